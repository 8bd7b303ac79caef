"""The doors: what comes in, what a command does with it, and what it could write to."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from flows.commands.common import chosen
from tests.checkpoints.folders import files, in_shards, put
from tests.fuzz.forms import form
from tests.fuzz.inputs import as_json, as_yaml, changed, damaged, scalars, texts, values, words
from tests.fuzz.outcomes import Door
from tests.fuzz.stored import bundle, manifest, mark
from xtransfer.base import declared, settings
from xtransfer.base.errors import DataError
from xtransfer.benchmarks import BUILT_IN, own
from xtransfer.benchmarks.spec import Benchmark, Source
from xtransfer.data.load import load
from xtransfer.models.files.sources import opened
from xtransfer.models.files.wholeness import inspect
from xtransfer.planning.study_check import check
from xtransfer.results.database import open_database
from xtransfer.results.users import announce
from xtransfer.stages.slots import slots
from xtransfer.store.artifacts import ArtifactStore
from xtransfer.study import study
from xtransfer.study.builtin.lab import LAB
from xtransfer.watch.watch import Watch

_IN = "in"
_STUDY = LAB.model_dump(mode="json", exclude_defaults=True)
_WATCH = {"name": "w", "sources": ["/runs/*"], "evaluate": {"targets": ["lab-nli"]}, "since": "2026-01-01T00:00:00"}
_WATCHED_STUDY = {"name": "w", "sources": ["s3://runs/*"], "study": "lab", "settings": {"target_recipe.epochs": 1}}
_FIELDS = ("seeds", "seed", "languages", "targets.0.recipe.epochs", "target_recipe.epochs", "intermediates", "name",
           "encoder", "small", "targets.0.pooling.layer", "targets.9.x", "no.such", "question", "target")  # fmt: skip


def study_file(folder: Path) -> Door:
    """A study as a YAML file: `run`, `plan`, `data check`."""
    file = _place(folder) / "study.yaml"

    def enter(text: bytes) -> None:
        file.write_bytes(text)
        check(study.read(file))

    return Door(texts(_STUDY, written=as_yaml), enter, _files(folder))


def set_option(folder: Path) -> Door:
    """`--set FIELD=VALUE`, twice."""
    value = words | values.map(as_json) | values.map(lambda one: as_yaml(one).strip())
    plain = st.sampled_from(("1", "[1, 2]", "lab-nli@de", "[de]"))
    known = st.tuples(st.sampled_from(_FIELDS), value | plain)
    option = st.one_of(known, known, st.tuples(words, value)).map("=".join) | words

    def enter(options: list[str]) -> None:
        check(chosen("lab", True, options))

    return Door(st.lists(option, min_size=1, max_size=2), enter, _files(folder))


def watch_file(folder: Path) -> Door:
    """A watch as a YAML file."""
    file = _place(folder) / "watch.yaml"

    def enter(text: bytes) -> None:
        file.write_bytes(text)
        declared.read(Watch, file).check()

    return Door(texts(_WATCH, _WATCHED_STUDY, written=as_yaml), enter, _files(folder))


def benchmark_file(folder: Path) -> Door:
    """A Python file in XTRANSFER_BENCHMARKS, whose values are of any type."""
    fields = {"name": "mine", "kind": "pair", "languages": ["en"],
              "columns": {"first": "a", "second": "b", "label": "label"},
              "labels": ["x", "y"], "metric": "accuracy", "also": [], "roles": ["target"], "chance": 50.0}  # fmt: skip
    source = {"path": "./mine", "splits": {"test": "test"}, "config": None, "languages": None}
    file = _place(folder) / "own.py"
    start = "from xtransfer.benchmarks.spec import Benchmark, Source\nnan, inf = 0.0, 1.0\n"

    def written(parts: tuple[Any, Any]) -> bytes:
        ours, theirs = (
            (", ".join(f"{name}={value!r}" for name, value in one.items() if name.isidentifier())) for one in parts
        )
        return f"{start}MINE = Benchmark({ours}, source=Source({theirs}))\n".encode("utf-8", "backslashreplace")

    put(
        file.parent / "mine",
        {"test.jsonl": b'{"a": "one", "b": "two", "label": 0}\n{"a": "1", "b": "2", "label": 1}\n'},
    )

    def enter(text: bytes) -> None:
        own._module.cache_clear()
        own._declared.clear()
        file.write_bytes(text)
        found = own.declared((file,), BUILT_IN)
        for benchmark in found.values():
            load(benchmark, "en", "test")

    inputs = st.one_of(
        st.tuples(changed(fields), st.just(source)).map(written),
        st.tuples(st.just(fields), changed(source)).map(written),
        damaged(written((fields, source))),
        st.sampled_from((b"raise SystemExit", b"import sys; sys.exit(3)", b"def f(): f()\nf()", b"\0", b"exit()")),
    )
    return Door(inputs, enter, _files(folder))


def data_file(folder: Path) -> Door:
    """A file of rows in a user's folder."""
    place = _place(folder)
    source = Source(str(place), splits={"test": "test"})
    columns = {"first": "a", "second": "b", "label": "label"}
    benchmark = Benchmark(
        "mine",
        "pair",
        ("en",),
        source,
        columns,
        "accuracy",
        labels=("x", "y"),
        label_values={"x": 0, "y": 1},
        chance=50.0,
    )
    rows = [{"a": "one", "b": "two", "label": "x"}, {"a": "é", "b": "ü", "label": "y"}]
    lines = "a,b,label\n" + "".join(",".join(row.values()) + "\n" for row in rows)
    table = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows), table)
    inputs = st.one_of(
        st.tuples(
            st.just("csv"),
            damaged(lines.encode()) | words.map(lambda text: lines.encode() + text.encode("utf-8", "ignore")),
        ),
        st.tuples(st.just("tsv"), damaged(lines.replace(",", "\t").encode())),
        st.tuples(st.just("json"), texts(rows, written=as_json)),
        st.tuples(st.just("jsonl"), texts(rows[0], written=as_json)),
        st.tuples(st.just("csv.gz"), damaged(_packed(lines.encode()))),
        st.tuples(st.just("parquet"), damaged(table.getvalue().to_pybytes())),
    )

    def enter(given: tuple[str, bytes]) -> None:
        shutil.rmtree(place, ignore_errors=True)
        put(place, {f"test.{given[0]}": given[1]})
        load(benchmark, "en", "test")

    return Door(inputs, enter, _files(folder))


def checkpoint(folder: Path) -> Door:
    """The files of a checkpoint that a watch finds."""
    place = _place(folder)
    head = json.dumps({"heads": {"xnli": {"kind": "pair", "labels": ["a"]}}}).encode()
    contents = [files(), in_shards(), {**files(), "head.json": head, "head.safetensors": files()["model.safetensors"]}]

    def wrong(content: dict[str, bytes]) -> st.SearchStrategy[dict[str, bytes]]:
        headers = {name: data for name, data in content.items() if name.endswith(".safetensors")}
        others = {name: data for name, data in content.items() if name.endswith(".json")}
        return st.one_of(
            *(_header(data).map(lambda made, name=name: content | {name: made}) for name, data in headers.items()),
            *(damaged(data).map(lambda made, name=name: content | {name: made}) for name, data in content.items()),
            *(texts(json.loads(data), written=as_json).map(lambda made, name=name: content | {name: made})
              for name, data in others.items()),
        )  # fmt: skip

    def enter(content: dict[str, bytes]) -> None:
        shutil.rmtree(place, ignore_errors=True)
        there = opened(str(put(place, content)))
        verdict = inspect(there, there.entries())
        if verdict.state != "whole":
            raise DataError(verdict.reason)

    return Door(st.one_of(*map(wrong, contents)), enter, _files(folder))


def environment(folder: Path) -> Door:
    """The settings in XTRANSFER_… variables."""
    home = folder / "home"
    place = (words | st.sampled_from(("x", "a file", "a file/x", "/proc/x", "/dev/null", "/dev/full/x"))).map(
        lambda text: text.replace("\0", "").replace("..", "__")
    )
    inside = place.map(lambda text: text if text.startswith(("~", "/proc", "/dev")) else str(folder / text.lstrip("/")))
    host = st.sampled_from(("", "127.0.0.1:1", "u:p@127.0.0.1:x", "[::1", "u:@localhost:99999", ":@:", "@"))
    schemes = "sqlite sqlite+x postgresql postgresql+psycopg mysql s3 gs ftp file memory zip http no sftp a+b é"
    scheme = st.sampled_from(["", "simplecache::file", *schemes.split()])
    tail = st.sampled_from(("", "?", "?x=y", "?mode=%00", "#f", "?connect_timeout=x", "?host=%2Fnowhere", "%zz"))
    address = st.builds("{}://{}/{}{}".format, scheme, host, inside.map(lambda text: text.lstrip("/")), tail)
    numbers = scalars.map(str).filter(lambda text: "\0" not in text)
    inputs = st.fixed_dictionaries({}, optional={
        "XTRANSFER_HOME": inside, "XTRANSFER_CACHE": inside, "XTRANSFER_HUB_DIR": inside,
        "XTRANSFER_BENCHMARKS": inside, "XTRANSFER_STORE": inside | address, "XTRANSFER_DATABASE_URL": inside | address,
        "XTRANSFER_WORKERS": numbers, "XTRANSFER_STAGES_PER_DEVICE": numbers,
    })  # fmt: skip

    def enter(given: dict[str, str]) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("XTRANSFER_")}
        (folder / "a file").touch()
        with mock.patch.dict(os.environ, {**kept, "HOME": str(folder), "XTRANSFER_HOME": str(home)}, clear=True):
            os.environ.update({name: value.encode("utf-8", "ignore").decode() for name, value in given.items()})
            slots()
            places = settings.current().prepare()
            store = ArtifactStore(places.store)
            with open_database(places.database_url) as db:
                announce(db, store)

    return Door(inputs, enter, _files(folder))


def _place(folder: Path) -> Path:
    (folder / _IN).mkdir(exist_ok=True)
    return folder / _IN


def _files(folder: Path) -> Callable[[], Hashable]:
    """The files below a folder, but for what comes in, and for a new database, which is whole."""
    return lambda: tuple(
        sorted(
            str(file)
            for file in folder.rglob("*")
            if file.is_file() and _IN not in file.parts and not file.name.startswith("results.db")
        )
    )


def _packed(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def _header(data: bytes) -> st.SearchStrategy[bytes]:
    """A safetensors file with another header, whose length is right."""
    length = int.from_bytes(data[:8], "little")
    header, rest = json.loads(data[8 : 8 + length]), data[8 + length :]

    def made(values: Any) -> bytes:
        text = json.dumps(values).encode("utf-8", "surrogatepass")
        return len(text).to_bytes(8, "little") + text + rest

    return changed(header).map(made)


DOORS: Mapping[str, Callable[[Path], Door]] = {
    "study YAML": study_file,
    "option --set": set_option,
    "watch YAML": watch_file,
    "benchmark file": benchmark_file,
    "file of rows": data_file,
    "bundle, Parquet": lambda folder: bundle(folder, ".parquet"),
    "bundle, SQLite": lambda folder: bundle(folder, ".sqlite"),
    "checkpoint": checkpoint,
    "manifest": manifest,
    "mark": mark,
    "environment": environment,
    "form": form,
}
