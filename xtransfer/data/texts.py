"""Extracts every text from a table of a source, whatever its columns mean."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

_SHORTEST = 20  # characters of an item or of joined words; shorter ones are words or names, which occur everywhere
_SHORTEST_UNSPACED = 10
_APART = r" ([.,:;!?%)\]،؟।])"  # where joining words with spaces adds a space that the text does not have
_UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Khmer}\p{Myanmar}\p{Thai}]"  # scripts without spaces between words


def texts_in(table: pa.Table) -> Iterator[str]:
    """Yields the texts in columns, and in lists and structs within them, possibly more than once.

    A list of texts yields its items and all of them joined, so that words become a sentence; for scripts without
    spaces, also joined without spaces. Texts under 20 characters (10 without spaces) are left out.
    """
    for column in table.columns:
        for texts in _texts(column.combine_chunks()):
            yield from filter(None, texts.unique().to_pylist())


def _texts(column: pa.Array) -> Iterator[pa.Array]:
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        yield column
    elif pa.types.is_struct(kind):
        for part in column.flatten():
            yield from _texts(part)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        items = column.flatten()
        if not (pa.types.is_string(items.type) or pa.types.is_large_string(items.type)):
            yield from _texts(items)
            return
        yield _long(items, _SHORTEST)
        joined = pc.binary_join(column, " ")
        yield _long(pc.replace_substring_regex(joined, _APART, r"\1"), _SHORTEST)
        unspaced = column.filter(pc.match_substring_regex(joined, _UNSPACED))
        yield _long(pc.binary_join(unspaced, ""), _SHORTEST_UNSPACED)


def _long(texts: pa.Array, shortest: int) -> pa.Array:
    return texts.filter(pc.greater_equal(pc.utf8_length(texts), shortest))
