"""Eigen-similarity of two embedding spaces (Chidambaram et al. 2018).

Draws ten pairs at a time. For each side, it builds the graph of pairwise distances between the ten vectors and takes
the eigenvalues of its Laplacian. The result is the sum of squared differences between the eigenvalues of both sides,
averaged over draws. 0 means equal distances on both sides. It grows with the square of the vectors' scale, so compare
only spaces of the same scale.
"""

from __future__ import annotations

import torch

NUM_PAIRS = 10  # per draw
NUM_DRAWS = 1000


def eigen_similarity(
    sources: torch.Tensor, targets: torch.Tensor, *, pairs: int = NUM_PAIRS, draws: int = NUM_DRAWS, seed: int = 0
) -> float:
    """Returns the eigen-similarity; lower means more similar.

    `sources` and `targets` are [n, hidden], row i of both is a pair, and n is at least `pairs`. The draws depend only
    on n and `seed`, so all models are compared on the same ones.
    """
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.stack([torch.randperm(len(sources), generator=generator)[:pairs] for _ in range(draws)])
    differences = laplacian_spectra(sources[drawn]) - laplacian_spectra(targets[drawn])
    return float(differences.square().sum(-1).mean())


def laplacian_spectra(vectors: torch.Tensor) -> torch.Tensor:
    """Returns ascending Laplacian eigenvalues [draws, pairs] of distance graphs of vectors [draws, pairs, hidden]."""
    vectors = vectors.double()
    distances = torch.cdist(vectors, vectors, compute_mode="donot_use_mm_for_euclid_dist")
    spectra: torch.Tensor = torch.linalg.eigvalsh(torch.diag_embed(distances.sum(-1)) - distances)
    return spectra
