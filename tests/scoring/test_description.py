"""What an encoder makes of rows before training: its numbers against their definitions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import optimize, stats

from xtransfer.scoring.description import Description, describe, h_score, log_evidence

RNG = np.random.default_rng(4)


def classes(rows: int, hidden: int, apart: float, number: int = 3) -> tuple[np.ndarray, np.ndarray]:
    labels = np.arange(rows) % number
    return RNG.normal(size=(rows, hidden)) + apart * np.eye(number, hidden)[labels], labels


@pytest.mark.parametrize(("rows", "hidden"), [(60, 5), (20, 30)], ids=["more rows", "more dimensions"])
def test_logme_is_the_largest_evidence_of_a_linear_model(rows: int, hidden: int) -> None:
    """The evidence of y = F w + noise is the density of a normal with covariance F Fᵀ / alpha + I / beta."""
    vectors, labels = classes(rows, hidden, 2.0)

    def best(wanted: np.ndarray) -> float:
        def lost(logs: np.ndarray) -> float:
            alpha, beta = np.exp(np.clip(logs, -12, 12))
            covariance = vectors @ vectors.T / alpha + np.eye(rows) / beta
            return -float(stats.multivariate_normal.logpdf(wanted, cov=covariance))

        starts = [optimize.minimize(lost, [alpha, 1.0], method="Nelder-Mead").fun for alpha in (0.0, 3.0)]
        return -min(starts) / rows

    expected = np.mean([best((labels == one).astype(float)) for one in range(3)])
    assert log_evidence(vectors, labels) == pytest.approx(expected, abs=2e-3)


def test_readable_labels_are_more_probable_than_others() -> None:
    clear, labels = classes(200, 10, 4.0)
    vague, _ = classes(200, 10, 0.0)
    assert log_evidence(clear, labels) > log_evidence(vague, labels) + 0.3
    assert h_score(clear, labels) > 3 * h_score(vague, labels)
    assert log_evidence(clear, RNG.permutation(labels)) < log_evidence(clear, labels) - 0.3


def test_the_h_score_follows_its_definition() -> None:
    vectors, labels = classes(40, 6, 2.0)
    centred = vectors - vectors.mean(axis=0)
    covariance = np.mean([np.outer(one, one) for one in centred], axis=0)
    target = np.trace(covariance) / 6 * np.eye(6)
    distance = np.sum((covariance - target) ** 2)
    noise = np.mean([np.sum((np.outer(one, one) - covariance) ** 2) for one in centred]) / 40
    share = min(noise / distance, 1)
    between = np.mean([np.outer(mean, mean) for mean in
                       (centred[labels == one].mean(axis=0) for one in labels)], axis=0)  # fmt: skip
    expected = np.trace(np.linalg.inv((1 - share) * covariance + share * target) @ ((1 - share) * between))
    assert 0.02 < share < 0.9 and h_score(vectors, labels) == pytest.approx(expected)


def test_neither_depends_on_the_axes() -> None:
    vectors, labels = classes(30, 8, 1.0)
    turned = vectors @ np.linalg.qr(RNG.normal(size=(8, 8)))[0]
    assert log_evidence(turned, labels) == pytest.approx(log_evidence(vectors, labels), abs=1e-6)
    assert h_score(turned, labels) == pytest.approx(h_score(vectors, labels))


def test_similarity_and_overlap(tmp_path: Path) -> None:
    one = describe(np.array([[1.0, 0.0], [1.0, 0.0]]), [1, 2, 3, 4], None)
    other = describe(np.array([[1.0, 0.0], [0.0, 1.0]]), [3, 4, 5], None)
    assert one.similarity(other) == pytest.approx(np.sqrt(0.5))
    assert one.overlap(other) == pytest.approx(2 / 3) and other.overlap(one) == pytest.approx(1 / 2)
    assert one.log_evidence is None
    labelled = describe(*classes(12, 3, 1.0)[:1], [7], np.arange(12) % 3)
    labelled.save(tmp_path)
    again = Description.load(tmp_path)
    assert again.mean == pytest.approx(labelled.mean) and again.tokens == {7} and again.rows == 12
    assert (again.log_evidence, again.h_score) == (labelled.log_evidence, labelled.h_score)


@pytest.mark.parametrize("labels", [[0, 0, 0, 0], [0, 1, 2, 3], [0, 0, 0, 1]], ids=["one", "all", "a single row"])
def test_labels_that_show_nothing_have_no_score(labels: list[int]) -> None:
    found = describe(RNG.normal(size=(4, 3)), [1], np.array(labels))
    assert found.log_evidence is None and found.h_score is None
