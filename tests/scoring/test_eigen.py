"""Eigen-similarity on spaces whose spectra are known by hand."""

from __future__ import annotations

import pytest
import torch

from xtransfer.metrics.eigen import eigen_similarity, laplacian_spectra
from xtransfer.metrics.precision_at import found_within


def test_the_spectrum_of_two_points_and_of_a_triangle() -> None:
    two = torch.tensor([[[0.0, 0.0], [3.0, 4.0]]])
    assert laplacian_spectra(two)[0].tolist() == pytest.approx([0.0, 10.0], abs=1e-9)  # distance 5: 0 and 2 * 5
    triangle = torch.eye(3).unsqueeze(0)  # all sides 2 ** 0.5: 0 and twice 3 * 2 ** 0.5
    assert laplacian_spectra(triangle)[0].tolist() == pytest.approx([0.0, 18**0.5, 18**0.5], abs=1e-6)


def test_worked_example() -> None:
    """Two pairs, at distance 1 on one side and 3 on the other: spectra (0, 2) and (0, 6), so 16 in every draw."""
    ours, theirs = torch.tensor([[0.0], [1.0]]), torch.tensor([[5.0], [2.0]])
    assert eigen_similarity(ours, theirs, pairs=2, draws=7) == pytest.approx(16.0)


def test_a_rotated_and_moved_space_is_the_same_and_a_scaled_one_is_not() -> None:
    generator = torch.Generator().manual_seed(0)
    vectors = torch.randn(50, 6, generator=generator)
    turned = torch.linalg.qr(torch.randn(6, 6, generator=generator))[0]
    assert eigen_similarity(vectors, vectors @ turned + 3) == pytest.approx(0.0, abs=1e-6)
    unlike = eigen_similarity(vectors, 1.1 * vectors)
    assert unlike == pytest.approx(4 * eigen_similarity(vectors, 1.05 * vectors), rel=1e-3)  # squares of the stretch
    assert eigen_similarity(vectors, torch.randn(50, 6, generator=generator)) > unlike > 0.1


def test_the_same_draws_for_every_model() -> None:
    vectors = torch.randn(40, 4, generator=torch.Generator().manual_seed(1))
    other = vectors.flip(0)
    assert eigen_similarity(vectors, other) == eigen_similarity(vectors, other)
    assert eigen_similarity(vectors, other) != eigen_similarity(vectors, other, seed=1)


@pytest.mark.parametrize(("k", "expected"), [(1, 0.0), (2, 100.0), (3, 100.0)])
def test_found_within_the_first_k(k: int, expected: float) -> None:
    assert found_within(k, ["b"], ["a", "b", "c"]) == expected
