"""Tells errors of a full memory from others."""

from __future__ import annotations

import torch

_SAID = (
    "can't allocate memory",  # torch's CPU allocator
    "Cannot allocate memory",  # the system, for a file in memory
    "error: out of memory",  # CUDA and HIP
    "_STATUS_ALLOC_FAILED",  # their libraries: CUBLAS, CUDNN, HIPBLAS
    "Cuda failure 'out of memory'",  # NCCL
)


def is_out_of_memory(error: BaseException) -> bool:
    """Returns whether an error means out of memory: on a device, in one of its libraries, in Python, or on the CPU.

    Only torch's own GPU allocator has an exception class for it.
    """
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError | OSError) and any(said in str(error) for said in _SAID)


def release_cached() -> None:
    """Returns memory that torch holds without using it to the GPU."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
