from __future__ import annotations

import pytest
import torch

from xtransfer.kinds import nearest_search
from xtransfer.kinds.nearest_search import Hits, k_nearest, ranked, ratio_margins


def _vectors(count: int, hidden: int, seed: int) -> torch.Tensor:
    """Vectors of few whole numbers, so that many cosines are equal, exactly."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-2, 3, (count, hidden), generator=generator).float()


def _by_hand(queries: torch.Tensor, candidates: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    ordered = (queries @ candidates.T).sort(descending=True, stable=True)
    return ordered.values[:, :k], ordered.indices[:, :k]


@pytest.mark.parametrize(("queries", "candidates", "k"), [(5, 1, 1), (7, 40, 4), (9, 1000, 3), (3, 700, 20), (1, 3, 9)])
@pytest.mark.parametrize("blocks", [(4, 250), (1024, 16384)])
def test_neighbours_are_exact_and_the_first_of_equals(
    queries: int, candidates: int, k: int, blocks: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nearest_search, "QUERIES", blocks[0])
    monkeypatch.setattr(nearest_search, "CANDIDATES", blocks[1])
    one, other = _vectors(queries, 4, 0), _vectors(candidates, 4, 1)
    found = k_nearest(list(one), list(other), k)
    values, places = _by_hand(one, other, k)
    assert torch.equal(found.similarities, values)
    assert torch.equal(found.indices, places)
    assert torch.equal(k_nearest(one, other, k).indices, places)


def test_all_equal_candidates_come_in_their_order() -> None:
    found = k_nearest(torch.ones(2, 3), torch.ones(1000, 3), 5)
    assert found.indices.tolist() == [[0, 1, 2, 3, 4]] * 2


def test_nothing_to_look_for_or_in() -> None:
    assert k_nearest([], torch.ones(3, 2), 2).indices.shape == (0, 2)
    assert k_nearest(torch.ones(3, 2), [], 2).indices.shape == (3, 0)
    assert ranked(torch.ones(1, 2), [], [], 2)[0].value == []


def test_ranked_gives_names_and_cosines() -> None:
    candidates = torch.tensor([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
    (one,) = ranked([torch.tensor([0.0, 1.0])], candidates, ["a", "b", "c"], 2)
    assert one.value == ["c", "b"]
    assert one.scores == pytest.approx((1.0, 0.8))


def test_ratio_margin_is_over_the_mean_of_both_neighbourhoods() -> None:
    found = Hits(torch.tensor([[0.8, 0.4]]), torch.tensor([[1, 0]]))
    back = Hits(torch.tensor([[0.4], [0.2]]), torch.tensor([[0], [0]]))
    # around the query 0.6; around its candidates 0.2 and 0.4
    assert ratio_margins(found, back).tolist() == [pytest.approx([0.8 / 0.4, 0.4 / 0.5])]
