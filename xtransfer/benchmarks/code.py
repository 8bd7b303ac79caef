"""The code of a user's file that decides what rows a benchmark has, so that changing it changes the rows' pin."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from xtransfer.benchmarks.own import source_of
from xtransfer.benchmarks.spec import Benchmark


def code_of(benchmark: Benchmark) -> list[str]:
    """The text behind `adapt` and `keep` where the user wrote them: the top-level statements of the file that they
    are made of, and what they captured. Nothing for functions of this package, whose names stand for them."""
    return [text for function in _functions(benchmark) for text in _code(function)]


def _functions(benchmark: Benchmark) -> Iterator[Callable[..., Any]]:
    sources = [one for one in (benchmark.source, benchmark.pool, *benchmark.sources.values()) if one is not None]
    yield from (one for one in (benchmark.adapt, *(source.keep for source in sources)) if one is not None)
    for part in benchmark.union:
        yield from _functions(part)


def _code(function: Callable[..., Any]) -> list[str]:
    while isinstance(function, partial):
        function = function.func
    text = source_of(getattr(function, "__module__", ""))
    if text is None:
        return []
    if not inspect.isfunction(function):
        return [text]
    captured = inspect.getclosurevars(function).nonlocals
    return [*_statements(text, function.__code__.co_firstlineno), *(f"{name}={captured[name]!r}" for name in captured)]


def _statements(text: str, line: int) -> list[str]:
    """The top-level statement at a line, and all whose names it uses, in the order of the file."""
    body = ast.parse(text).body
    wanted = [one for one in body if _first_line(one) <= line <= (one.end_lineno or one.lineno)]
    for statement in wanted:  # grows while it is read
        used = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
        wanted += [one for one in body if one not in wanted and _binds(one) & used]
    lines = text.splitlines()
    return ["\n".join(lines[_first_line(one) - 1 : one.end_lineno]) for one in body if one in wanted]


def _first_line(statement: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(one.lineno for one in decorators)])


def _binds(statement: ast.stmt) -> set[str]:
    """The names that a top-level statement gives a value."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).partition(".")[0] for alias in statement.names}
    stored = (node for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
    return {node.id for node in stored}
