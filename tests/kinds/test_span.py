from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.kinds.spans import ROW, row, with_spaces
from tests.kinds.words import tokenizer
from xtransfer.base.errors import DataError, RequestError
from xtransfer.benchmarks import get
from xtransfer.benchmarks.spec import Benchmark, Row, Source
from xtransfer.data.canonical import canonical, from_rows
from xtransfer.kinds import span
from xtransfer.kinds.batches import collate
from xtransfer.kinds.flat import FlatRows, flattened
from xtransfer.kinds.heads import LabelHead
from xtransfer.kinds.span_head import SpanHead
from xtransfer.kinds.span_windows import TextTokens, cut, layout, longest_question, span_of, tokens_of
from xtransfer.kinds.uninformed import uninformed_loss


def test_a_short_context_is_one_window() -> None:
    (one,) = span.encode([ROW], tokenizer(), 32)
    assert one.sequences == ((0, 11, 10, 2, 2, 4, 5, 6, 7, 2),)
    assert one.types is None
    assert one.target == ((6, 7),)
    assert one.extra == ((0, 2, 4, 6), (1, 3, 5, 7), ((5, 0, 4),))


def test_segments_where_the_encoder_has_them() -> None:
    (one,) = span.encode([ROW], tokenizer(types=True), 32)
    assert one.types == ((0, 0, 0, 0, 1, 1, 1, 1, 1, 1),)


def test_windows_and_where_the_answer_is_whole() -> None:
    first, second = span.encode([row("a b c d e f g", "d e"), ROW], tokenizer(), 9)
    assert first.sequences == (
        (0, 11, 2, 2, 4, 5, 6, 7, 2),
        (0, 11, 2, 2, 6, 7, 8, 9, 2),
        (0, 11, 2, 2, 8, 9, 10, 2),
    )
    assert first.target == ((0, 0), (5, 6), (0, 0))
    assert first.extra[2] == ((4, 0, 4), (4, 2, 4), (4, 4, 3))
    assert [len(sequence) for sequence in second.sequences] == [9, 9]


def test_windows_begin_128_tokens_apart() -> None:
    assert cut(300, 300) == [(0, 300)]
    assert cut(301, 300) == [(0, 300), (128, 173)]
    assert cut(700, 300) == [(0, 300), (128, 300), (256, 300), (384, 300), (512, 188)]
    assert cut(10, 4) == [(0, 4), (2, 4), (4, 4), (6, 4)]
    assert cut(3, 1) == [(0, 1), (1, 1), (2, 1)]
    assert cut(0, 9) == [(0, 0)]


def test_a_question_is_cut_to_64_tokens_or_half_of_a_window() -> None:
    long = row("a b c d", "d", question="h " * 200)
    (one,) = span.encode([long], tokenizer(), 384)
    assert len(one.sequences[0]) == 64 + 4 + 4
    assert longest_question(4, 384) == 64
    (small,) = span.encode([long], tokenizer(), 12)
    assert small.sequences[0] == (0, 11, 11, 11, 11, 2, 2, 4, 5, 6, 7, 2)
    with pytest.raises(RequestError, match="max_length 5 leaves no room for the context"):
        span.encode([ROW], tokenizer(), 5)


def test_encoding_is_that_of_a_row_alone_and_can_be_kept() -> None:
    rows = [row("a b c d e f g", "d e"), ROW, {**ROW, "answers": [], "starts": []}]
    together = span.encode(rows, tokenizer(), 10)
    assert together == [span.encode([one], tokenizer(), 10)[0] for one in rows]
    assert list(FlatRows(flattened(together))) == together
    assert together[2].target == ((0, 0),)
    assert span.encode([], tokenizer(), 10) == []


@pytest.mark.parametrize(
    ("context", "answer", "pieces"),
    [
        ("red ship", "ship", ["▁ship"]),  # the piece begins with the space before it
        ("red ship", " ship", ["▁ship"]),  # as some answers do
        ("redhouses, ship", "house", ["house"]),
        ("redhouses ship", "ouse", ["house"]),  # in the middle of a piece
        ("redhouses ship", "dhou", ["▁red", "house"]),
        ("red (1947), ship", "1947", ["19", "47"]),
        ("红楼梦", "楼", ["楼"]),
        ("red  ship", "ship", ["▁ship"]),
    ],
)
def test_answers_to_tokens(context: str, answer: str, pieces: list[str]) -> None:
    pretrained = with_spaces()
    (tokens,) = tokens_of([context], pretrained)
    found = span_of(answer, context.index(answer), tokens)
    assert found is not None
    first, last = found
    assert pretrained.convert_ids_to_tokens(tokens.ids[first : last + 1]) == pieces
    assert answer.strip() in context[tokens.starts[first] : tokens.ends[last]]
    if pieces == ["▁ship"]:
        assert context[tokens.starts[first]] == " "


def test_an_answer_that_no_token_holds() -> None:
    assert span_of("x", 5, TextTokens((1, 1), (0, 6), (5, 9))) is None


def test_the_layout_is_the_tokenizers() -> None:
    pair = layout(with_spaces())
    assert (pair.before, pair.between, pair.after) == ((14,), (15, 15), (15,))
    assert pair.segments is None


def test_head_leaves_padding_out_and_the_loss_is_over_windows() -> None:
    encoded = span.encode([row("a b c d e f g", "d e"), row("a b", "b")], tokenizer(), 9)
    batch = collate(encoded, 1)
    head = span.head(8, get("squad"), 0.5)
    made = head(torch.randn(4, 9, 8), batch)
    assert made.shape == (4, 2, 9)
    assert torch.equal(torch.isinf(made[:, 0]), batch.attention_mask == 0)
    logits = torch.zeros(4, 2, 9).masked_fill(batch.attention_mask[:, None] == 0, -torch.inf)
    lengths = torch.tensor([9.0, 9.0, 8.0, 7.0])
    assert head.loss(logits, batch).item() == pytest.approx(lengths.log().mean().item())
    logits[3, 1, 5] = 4.0  # where the answer of the second row ends
    better = torch.logsumexp(torch.tensor([4.0, *[0.0] * 6]), 0) - 4.0
    expected = (2 * lengths.log().sum() - lengths[3].log() + better) / 8
    assert head.loss(logits, batch).item() == pytest.approx(expected.item())
    head.loss(made, batch).backward()
    assert torch.isfinite(head.outputs.weight.grad).all()
    assert uninformed_loss(encoded) is None


def test_carry_copies_another_span_head() -> None:
    source, new = SpanHead(8), SpanHead(8)
    assert span.KIND.carry(source, new)
    assert torch.equal(source.outputs.weight, new.outputs.weight)
    assert not span.KIND.carry(SpanHead(4), new)
    assert not span.KIND.carry(LabelHead(8, ("x", "y"), 0.0), new)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"starts": [2, 4]}, "answers has 1 entries and starts has 2"),
        ({"starts": [3]}, "answer 'b c' does not occur in the context at character 3: the context has ' c ' there"),
        ({"starts": [-5]}, "at character -5: the context has '' there"),
        ({"answers": ["c d"], "starts": [99]}, "answer 'c d' does not occur in the context"),
    ],
)
def test_check_names_what_is_wrong(change: dict[str, Any], says: str) -> None:
    assert span.check(ROW) is None
    assert span.check({**ROW, "answers": [], "starts": []}) is None
    assert says in str(span.check({**ROW, **change}))


def things(no_answer: bool = False) -> Benchmark:
    columns = {"context": "context", "question": "question", "answers": "answers", "starts": "starts"}
    return Benchmark("things", "span", ("en",), Source("test"), columns, "f1", no_answer=no_answer)


def rows_of(benchmark: Benchmark, *rows: Row) -> list[Row]:
    return canonical(benchmark, from_rows("things/en/test", rows))[0]


def test_hidden_answers_are_refused() -> None:
    for hidden in ([""], [], [" ", ""]):
        blank = {**ROW, "answers": hidden, "starts": [0] * len(hidden)}
        for benchmark in (things(), things(no_answer=True)):
            with pytest.raises(DataError, match="things/en/test: answers are hidden"):
                rows_of(benchmark, blank, blank)


def test_a_row_without_answer_needs_a_benchmark_that_has_such() -> None:
    none = {**ROW, "answers": [], "starts": []}
    assert [one["answers"] for one in rows_of(things(no_answer=True), ROW, {**none, "id": "1"})] == [["b c"], []]
    with pytest.raises(DataError, match="things/en/test, row 1, column 'answers': no answer"):
        rows_of(things(), ROW, none)
    with pytest.raises(DataError, match="row 0: answer 'b c' does not occur in the context at character 1"):
        rows_of(things(), {**ROW, "starts": [1]})


def test_the_gold_is_every_acceptable_answer() -> None:
    assert span.KIND.gold(things(), {**ROW, "answers": ["b c", "c"]}) == ["b c", "c"]
