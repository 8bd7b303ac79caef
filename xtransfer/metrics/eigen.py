"""Eigen-similarity of two embedding spaces (Chidambaram et al. 2018, section on the analysis of the space).

Of so many draws of ten pairs each: the graph of the pairwise distances of either side's ten vectors, the eigenvalues of
its Laplacian, and the sum of the squared differences of the two lists; the mean over the draws. 0: the two sides have
the same distances. It grows with the square of the scale of the vectors, so only spaces of one scale compare.
"""

from __future__ import annotations

import torch

NUM_PAIRS = 10  # of a draw
NUM_DRAWS = 1000


def eigen_similarity(
    sources: torch.Tensor, targets: torch.Tensor, *, pairs: int = NUM_PAIRS, draws: int = NUM_DRAWS, seed: int = 0
) -> float:
    """The lower the more similar; `sources[i]` [n, hidden] and `targets[i]` are a pair, n at least `pairs`.

    The draws depend on n and the seed alone, so that models are compared on the same ones.
    """
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.stack([torch.randperm(len(sources), generator=generator)[:pairs] for _ in range(draws)])
    differences = laplacian_spectra(sources[drawn]) - laplacian_spectra(targets[drawn])
    return float(differences.square().sum(-1).mean())


def laplacian_spectra(vectors: torch.Tensor) -> torch.Tensor:
    """Eigenvalues [draws, pairs], rising, of the Laplacians of distance graphs of vectors [draws, pairs, hidden]."""
    vectors = vectors.double()
    distances = torch.cdist(vectors, vectors, compute_mode="donot_use_mm_for_euclid_dist")
    spectra: torch.Tensor = torch.linalg.eigvalsh(torch.diag_embed(distances.sum(-1)) - distances)
    return spectra
