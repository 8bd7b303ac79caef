"""Finds the code of a user's file that affects a benchmark's rows, so that changing it changes their pin."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from functools import partial

from xtransfer.benchmarks.own import read_values, source_of
from xtransfer.benchmarks.spec import Benchmark
from xtransfer.benchmarks.values import described

_RUN_LATER = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)  # code that runs later can read values


def code_of(benchmark: Benchmark) -> list[str]:
    """Returns the code behind a user's `adapt` and `keep`; empty for functions of this package.

    That is the top-level statements of the file that they need, without comments and docstrings, the values that these
    read, and the variables that the functions captured.
    """
    return [text for function in _functions(benchmark) for text in _code(function)]


def _functions(benchmark: Benchmark) -> Iterator[Callable[..., object]]:
    sources = [one for one in (benchmark.source, benchmark.pool, *benchmark.sources.values()) if one is not None]
    yield from (one for one in (benchmark.adapt, *(source.keep for source in sources)) if one is not None)
    for part in benchmark.parts[1:]:
        yield from _functions(part)


def _code(function: Callable[..., object]) -> list[str]:
    while isinstance(function, partial):
        function = function.func
    module = getattr(function, "__module__", "")
    text = source_of(module)
    if text is None:
        return []
    body = ast.parse(text).body
    wanted, captured = body, {}
    if inspect.isfunction(function):
        wanted = _statements(body, function.__code__.co_firstlineno)
        captured = dict(inspect.getclosurevars(function).nonlocals)
    values = read_values(module)
    inside = {name for one in wanted for node in ast.walk(one) if isinstance(node, _RUN_LATER) for name in _names(node)}
    read = sorted(inside & values.keys())
    return [
        *(ast.unparse(_Bare().visit(one)) for one in wanted),
        *(f"{name}={values[name]}" for name in read),
        *(f"{name}={described(captured[name])}" for name in captured),
    ]


def _statements(body: list[ast.stmt], line: int) -> list[ast.stmt]:
    """Returns the top-level statement at a line and all that it uses, in the order of the file."""
    wanted = [one for one in body if _first_line(one) <= line <= (one.end_lineno or one.lineno)]
    for statement in wanted:  # grows during the loop
        used = _names(statement)
        wanted += [one for one in body if one not in wanted and _binds(one) & used]
    return [one for one in body if one in wanted]


def _names(statement: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}


class _Bare(ast.NodeTransformer):
    """Removes docstrings, which change no rows."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._bare(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._bare(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._bare(node)

    def _bare(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> ast.AST:
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        return self.generic_visit(node)


def _first_line(statement: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(one.lineno for one in decorators)])


def _binds(statement: ast.stmt) -> set[str]:
    """Returns the names that a top-level statement binds."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).partition(".")[0] for alias in statement.names}
    stored = (node for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
    return {node.id for node in stored}
