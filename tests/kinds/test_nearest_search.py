from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from xtransfer.benchmarks.spec import Benchmark, Source
from xtransfer.kinds import nearest_search
from xtransfer.kinds.nearest_search import Hits, k_nearest, ranked, ratio_margins, searching_on, similarities
from xtransfer.models import predict
from xtransfer.recipes.dual import DualRecipe
from xtransfer.recipes.recipe import Recipe
from xtransfer.training import hard_negatives


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


class _Gpu:
    """Pretends that tensors can be moved to a GPU, which may have room for only so many numbers at once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, room: int | None = None) -> None:
        self.moved, to = list[tuple[str, int]](), torch.Tensor.to

        def move(tensor: torch.Tensor, device: str) -> torch.Tensor:
            self.moved.append((device, tensor.numel()))
            if device == "cuda:1" and room is not None and tensor.numel() > room:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return to(tensor, "cpu")

        monkeypatch.setattr(torch.Tensor, "to", move)


def test_vectors_are_compared_on_the_device_of_the_run_with_equal_results(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = _vectors(9, 4, 0), _vectors(50, 4, 1)
    on_cpu = k_nearest(list(one), other, 3)
    gpu = _Gpu(monkeypatch)
    with searching_on("cuda:1"):
        found, products = k_nearest(list(one), other, 3), similarities(one, other)
    assert gpu.moved == [("cuda:1", 200), ("cuda:1", 36), ("cuda:1", 36), ("cuda:1", 200)]
    assert torch.equal(found.indices, on_cpu.indices) and torch.equal(found.similarities, on_cpu.similarities)
    assert torch.equal(products, one @ other.T)
    k_nearest(one, other, 3)
    assert {device for device, _ in gpu.moved[4:]} == {"cpu"}


def test_a_search_that_does_not_fit_goes_on_on_the_cpu(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = _vectors(9, 4, 0), _vectors(50, 4, 1)
    gpu = _Gpu(monkeypatch, room=100)
    with searching_on("cuda:1"):
        assert torch.equal(k_nearest(one, other, 3).indices, _by_hand(one, other, 3)[1])
        similarities(one, other)
    assert [device for device, _ in gpu.moved] == ["cuda:1", "cpu", "cpu", "cpu", "cpu"]
    assert caplog.messages == ["out of memory on cuda:1: comparing vectors on the CPU from now on"]
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"), searching_on("cuda:1"):
        k_nearest(torch.ones(2, 3), torch.ones(2, 4), 1)


def test_scoring_and_mining_search_where_they_encode(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"id": str(n), "group": str(n), "source": "a", "target": f"b{n}", "context": ""} for n in range(3)]
    vectors = [torch.eye(2) + n for n in range(3)]
    monkeypatch.setattr(predict, "_Evaluating", lambda *_: nullcontext())
    monkeypatch.setattr(predict, "_vectors", lambda *_: {"de": vectors})
    monkeypatch.setattr(hard_negatives, "vectors_of", lambda *_: vectors)
    gpu = _Gpu(monkeypatch)
    nothing: Any = SimpleNamespace(encoder=None, tokenizer=None)
    for kind in ("bitext", "ranking"):
        own = Benchmark("own", kind, ("de",), Source("own"), {}, "accuracy")
        found = predict.predict_languages(nothing, None, own, {"de": rows}, nothing, "cuda:1")
        assert len(found["de"]) == 3 and {device for device, _ in gpu.moved} == {"cuda:1"}
        gpu.moved.clear()
    recipe = Recipe(epochs=1, dual=DualRecipe(hard_negatives=1))
    (mined,) = hard_negatives.with_negatives(own, [rows], nothing, recipe, "cuda:1")
    assert len(mined[0]["negatives"]) == 1 and {device for device, _ in gpu.moved} == {"cuda:1"}
