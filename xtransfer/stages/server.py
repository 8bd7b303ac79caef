"""The stage server: one process that has imported everything, and forks a child for each stage.

A child starts in milliseconds instead of the ten seconds that importing torch and transformers takes, holds
one stage, and can be killed without harm to anything else. It is run as `python -m xtransfer.stages.server FD`,
where FD is one end of a socket pair; each request carries two pipe ends: where to write messages, and one that
closes when the owner dies, upon which the child ends itself.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import signal
import socket
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from xtransfer.base.channel import Channel, end_with_owner
from xtransfer.base.errors import XTransferError
from xtransfer.base.retry import stage_error
from xtransfer.base.stage import Stage

_MAX_REQUEST = 1 << 20  # bytes; a stage is some kB
_BETWEEN_PROGRESS = 0.25  # seconds


def serve(channel: socket.socket) -> None:
    """Fork a child per request until the owner closes the channel."""
    _import_everything()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for children: the pipe's end tells
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the owner's to handle
    while True:
        message, handles, _, _ = socket.recv_fds(channel, _MAX_REQUEST, 2)
        if not message:
            return
        if os.fork() == 0:
            channel.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _child(json.loads(message), *handles)
        for handle in handles:
            os.close(handle)


def _child(request: dict[str, Any], results: int, alive: int) -> None:
    status = 1
    try:
        end_with_owner(alive)
        status = _run(request, Channel(Connection(results, readable=False), _BETWEEN_PROGRESS))
    finally:
        os._exit(status)  # no exit handlers of the server in the child


def _run(request: dict[str, Any], channel: Channel) -> int:
    from xtransfer.stages.execute import execute
    from xtransfer.store.artifacts import ArtifactStore

    channel.send("pid", os.getpid())
    channel.forward_logs(logging.INFO)
    _limit_threads(request["threads"])
    stage = Stage.from_json(request["stage"])
    try:
        store = ArtifactStore(request["store"])
        artifact, cached = execute(stage, store, channel.progress, request["device"], request["devices"], wait=False)
    except BaseException as error:
        if not isinstance(error, XTransferError):  # a bug or an out-of-memory: its trace goes to the log
            logging.getLogger(__name__).error("%s failed", stage.name, exc_info=error)
        channel.send("failed", stage_error(stage.name, error))
        return 1
    channel.send("done", {"cached": cached, "seconds": artifact.manifest.seconds, "facts": artifact.manifest.facts})
    return 0


def _limit_threads(count: int) -> None:
    import torch

    torch.set_num_threads(count)


def _import_everything() -> None:
    import datasets
    import transformers
    import transformers.models.marian.modeling_marian
    import transformers.models.xlm_roberta.modeling_xlm_roberta

    import xtransfer.data.corpora
    import xtransfer.data.load
    import xtransfer.lab
    import xtransfer.scoring.score
    import xtransfer.training.finetune
    import xtransfer.training.pretraining
    import xtransfer.training.translator
    import xtransfer.translation.benchmark
    import xtransfer.translation.ctranslate2_engine
    import xtransfer.translation.model_loading
    import xtransfer.translation.transformers_engine  # noqa: F401
    from xtransfer.base.settings import current
    from xtransfer.benchmarks import BENCHMARKS
    from xtransfer.store import manifest
    from xtransfer.store.lease import leases_for

    manifest.packages()  # read from many files
    leases_for(Path(), current().database_url)
    len(BENCHMARKS)  # a user's file is run now: stages read the declarations that the study was planned with
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    datasets.utils.logging.disable_progress_bar()
    datasets.utils.logging.set_verbosity_error()
    gc.freeze()  # what is here stays: a stage's collections need not look at it, and so not copy its pages


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
