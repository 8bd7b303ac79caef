"""The search for the best answer, by hand and against plain loops."""

from __future__ import annotations

from typing import Any

import torch

from tests.kinds.spans import ROW, row, with_spaces
from tests.kinds.words import tokenizer
from xtransfer.benchmarks import get
from xtransfer.benchmarks.spec import Row
from xtransfer.kinds import span
from xtransfer.kinds.batches import collate


def outputs(*windows: dict[str, float], tokens: int = 10) -> torch.Tensor:
    """Logits [windows, 2, tokens]: zero but at `s7` (a start), `e9` (an end)."""
    logits = torch.zeros(len(windows), 2, tokens)
    for number, window in enumerate(windows):
        for name, value in window.items():
            logits[number, "se".index(name[0]), int(name[1:])] = value
    return logits


def answer(logits: torch.Tensor, of: Row = ROW, max_length: int = 32, benchmark: str = "squad") -> Any:
    encoded = span.encode([of], tokenizer(), max_length)
    (prediction,) = span.decode(get(benchmark), logits, [of], encoded)
    return prediction


def test_the_best_span_wins() -> None:
    found = answer(outputs({"s6": 3.0, "e8": 2.0}))
    assert (found.value, found.scores) == ("b c d", (5.0, 0.0))
    crossed = answer(outputs({"s8": 3.0, "e6": 2.5}))  # a span cannot end before it begins
    assert (crossed.value, crossed.scores[0]) == ("d", 3.0)
    question = answer(outputs({"s1": 9.0, "e2": 9.0, "s5": 1.0}))
    assert (question.value, question.scores[0]) == ("a", 1.0)


def test_ties_go_to_the_first() -> None:
    assert answer(outputs({})).value == "a"
    assert answer(outputs({"s6": 1.0, "s7": 1.0, "e8": 1.0})).value == "b c d"


def test_the_text_is_as_the_context_has_it() -> None:
    odd = row("A  b\u3000C d", "C")
    assert answer(outputs({"s4": 1.0, "e6": 1.0}), odd).value == "A  b\u3000C"


def test_white_space_is_no_answer_and_no_part_of_one() -> None:
    of = row("red  ship", "ship")
    (encoded,) = span.encode([of], with_spaces(), 32)
    pieces = with_spaces().convert_ids_to_tokens(encoded.sequences[0])
    assert pieces[-4:] == ["▁red", "▁", "▁ship", "</s>"]
    blank, ship = len(pieces) - 3, len(pieces) - 2
    logits = outputs({f"s{blank}": 9.0, f"e{blank}": 9.0, f"e{ship}": 1.0}, tokens=len(pieces))
    (prediction,) = span.decode(get("squad"), logits, [of], [encoded])
    assert (prediction.value, prediction.scores[0]) == ("ship", 10.0)


def test_an_answer_has_at_most_30_tokens() -> None:
    long = row(" ".join("abcdefgh"[number % 8] for number in range(60)), "h")
    logits = outputs({"s4": 9.0, "e33": 3.0, "e34": 8.0}, tokens=65)
    assert answer(logits, long, 100).value == " ".join(long["context"].split()[:30])


def test_only_the_20_best_of_a_window_are_looked_at() -> None:
    long = row(" ".join("abcdefgh"[number % 8] for number in range(60)), "h")
    logits = outputs(*[{**{f"s{place}": 5.0 for place in range(40, 60)}, "s10": 4.0, "e20": 9.0}], tokens=65)
    assert answer(logits, long, 100).value == ""  # all better starts are behind the only good end …
    logits[0, 0, 59] = 0.0
    assert answer(logits, long, 100).value == " ".join(long["context"].split()[6:17])


def test_a_start_counts_in_the_window_that_shows_most_round_it() -> None:
    context = row("a b c d e f g", "d e")  # windows a b c d, c d e f, e f g
    logits = outputs({"s7": 9.0}, {"s5": 2.0, "e6": 2.0}, {}, tokens=9)
    assert answer(logits, context, 9).value == "d e"  # d at the edge of the first window does not count
    edge = outputs({"s6": 3.0, "e7": 3.0}, {"s4": 9.0}, {}, tokens=9)
    assert answer(edge, context, 9).value == "c d"
    assert answer(edge, context, 9).scores[0] == 6.0  # c has one neighbour in the first window, none in the second


def test_no_answer_where_the_benchmark_has_such() -> None:
    logits = outputs({"s0": 2.0, "e0": 2.0, "s6": 1.5, "e6": 2.0})
    assert answer(logits, benchmark="squad2").value == ""
    assert answer(logits, benchmark="squad2").scores == (3.5, 4.0)
    assert answer(logits, benchmark="squad").value == "b"
    logits[0, 0, 6] = 2.0
    assert answer(logits, benchmark="squad2").value == "b"  # as much as none is enough
    several = outputs({"s0": 9.0}, {"s0": 1.0, "e5": 2.0}, {"s0": 8.0}, tokens=9)
    found = answer(several, row("a b c d e f g", "d e"), 9, "squad2")
    assert (found.value, found.scores) == ("d", (2.0, 1.0))  # the window that is least sure of none decides


def naive(logits: torch.Tensor, words: list[str], windows: list[tuple[int, int]], place: int) -> str:
    """The search in plain loops: every pair of the 20 best of each window, the first of the best ones."""

    def context_of(word: int, first: int, length: int) -> float:
        return min(word - first, first + length - 1 - word) + 0.01 * length

    best, text = -torch.inf, ""
    for number, (first, length) in enumerate(windows):
        starts, ends = (sorted(range(len(side)), key=lambda at: -side[at])[:20] for side in logits[number].tolist())
        for start in starts:
            word = start - place + first
            if not first <= word < first + length:
                continue
            covering = [one for one in windows if one[0] <= word < sum(one)]
            if max(covering, key=lambda one: context_of(word, *one)) != (first, length):
                continue
            for end in ends:
                last = end - place + first
                score = float(logits[number, 0, start]) + float(logits[number, 1, end])
                if word <= last < min(first + length, word + 30) and score > best:
                    best, text = score, " ".join(words[word : last + 1])
    return text


def test_search_equals_plain_loops() -> None:
    generator = torch.Generator().manual_seed(0)
    found = set()
    for length in (3, 40, 90, 150, 290):
        words = ["abcdefgh"[number % 8] for number in range(length)]
        of = row(" ".join(words), "c")
        (encoded,) = span.encode([of], tokenizer(), 100)
        windows = [(first, count) for _, first, count in encoded.extra[2]]
        for spread in (0.7, 2.0, 8.0):
            logits = (torch.randn(len(windows), 2, 100, generator=generator) * spread).round()  # many ties
            for number, sequence in enumerate(encoded.sequences):
                logits[number, :, len(sequence) :] = -torch.inf
            (prediction,) = span.decode(get("squad"), logits, [of], [encoded])
            assert prediction.value == naive(logits, words, windows, 4)
            found.add(prediction.value)
    assert len(found) > 8


def test_rows_of_a_batch_do_not_mix() -> None:
    rows = [row("a b c d e f g", "d e"), ROW, row("f e d", "f")]
    encoded = span.encode(rows, tokenizer(), 10)
    batch = collate(encoded, 1)
    logits = torch.randn(len(batch.input_ids), 2, batch.input_ids.shape[1], generator=torch.Generator().manual_seed(3))
    logits = logits.masked_fill(batch.attention_mask[:, None, :] == 0, -torch.inf)
    together = span.decode(get("squad"), logits, rows, encoded)
    alone, start = [], 0
    for one, own in zip(rows, encoded, strict=True):
        end = start + len(own.sequences)
        alone += span.decode(get("squad"), logits[start:end], [one], [own])
        start = end
    assert together == alone
