"""Predicts and scores a checkpoint, language by language. The only module that reads test data."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import MappingProxyType

import pyarrow as pa
import pyarrow.parquet as pq
from torch import nn

from xtransfer import kinds
from xtransfer.base.errors import RequestError
from xtransfer.base.hub_files import Start
from xtransfer.base.precision import Precision
from xtransfer.base.stage import Progress, no_progress
from xtransfer.benchmarks.spec import Benchmark, Row, SplitName
from xtransfer.data.load import POOL, load_pool, load_rows, read_rows
from xtransfer.kinds.spec import Kind, Prediction
from xtransfer.metrics import metrics
from xtransfer.models import checkpoints, pretrained, trainer_head
from xtransfer.models.checkpoints import Loaded
from xtransfer.models.predict import RowEncoder, predict_languages
from xtransfer.recipes.pooling import MEAN_OF_LAST, Pooling
from xtransfer.results.evidence import Score
from xtransfer.results.predictions import FILE as PREDICTIONS

SCORES = "scores.json"
MEASURES = "measures.json"  # language → name → number, for kinds that record statistics of their vectors
_SCHEMA = pa.schema(
    [
        ("language", pa.string()),
        ("id", pa.string()),
        ("group", pa.string()),
        ("gold", pa.string()),  # JSON
        ("prediction", pa.string()),  # JSON
        ("item", pa.float64()),  # points of this item; null if the metric has no score per item
        ("scores", pa.list_(pa.float32())),
    ]
)


def score(
    checkpoint: Start | None,
    benchmark: Benchmark,
    languages: Sequence[str],
    split: SplitName,
    max_length: int,
    out: Path,
    *,
    device: str = "cpu",
    progress: Progress = no_progress,
    pooling: Pooling = MEAN_OF_LAST,
    limit: int | None = None,
    precision: Precision = "fp32",
    own: Mapping[str, Start] = MappingProxyType({}),
    translated: Mapping[str, Path] = MappingProxyType({}),
) -> list[Score]:
    """Scores a checkpoint folder (or hub id and commit) and writes predictions.parquet and scores.json to `out`.

    Also writes measures.json if the kind records statistics of its vectors. Returns, for each language, one score per
    metric of the benchmark, main metric first. `limit` bounds the rows per language; `pooling` sets the vectors that
    retrieval compares. `own` maps a language to a checkpoint that replaces `checkpoint` (translate-train); `translated`
    maps a language to a file with its rows in English, which replace them (translate-test).

    Raises RequestError if the checkpoint cannot predict this benchmark, has no positions for `max_length` tokens, or no
    language is given; DataError if rows do not fit; SourceError if rows cannot be read.
    """
    if not languages:
        raise RequestError(f"score {benchmark.name}: no languages given (it has {', '.join(benchmark.languages)})")
    kind = kinds.get(benchmark.kind)
    rows = _rows(benchmark, kind, languages, split, limit)
    calibrated = kind.retrieval is not None and kind.retrieval.calibrate is not None
    dev = _rows(benchmark, kind, languages, "dev", None) if calibrated else None
    read = {code: _translated(part, translated.get(code)) for code, part in rows.items()}
    measures: dict[str, Mapping[str, float]] = {}
    predictions: dict[str, list[Prediction]] = {}
    for start, part in _by_checkpoint(checkpoint, own, read):
        model = checkpoints.load(start, reads_last=pooling.how == "last" if kind.retrieval is not None else None)
        pretrained.check_length(model.encoder, max_length, start)
        predictions |= predict_languages(
            model.encoder,
            _head(model, benchmark, kind),
            benchmark,
            part,
            RowEncoder(model.tokenizer, max_length),
            device,
            progress,
            pooling,
            dev,
            precision,
            measures,
        )
    scores = [
        one
        for language in languages
        for one in _scores(benchmark, kind, language, split, rows[language], predictions[language])
    ]
    scored = {language: rows[language] for language in languages}
    pq.write_table(_table(benchmark, kind, scored, predictions), out / PREDICTIONS)
    (out / SCORES).write_text(json.dumps([asdict(one) for one in scores], indent=1) + "\n", encoding="utf-8")
    if measures:
        (out / MEASURES).write_text(json.dumps(measures, indent=1) + "\n", encoding="utf-8")
    return scores


def _rows(
    benchmark: Benchmark, kind: Kind, languages: Sequence[str], split: SplitName, limit: int | None
) -> dict[str, list[Row]]:
    rows = {language: load_rows(benchmark, language, split, limit) for language in languages}
    if pool := load_pool(benchmark):
        rows[POOL] = pool
    return kind.together(rows) if kind.together is not None else rows


def _translated(rows: Sequence[Row], file: Path | None) -> list[Row]:
    """Returns the rows with those in `file` replacing rows of the same id.

    A row whose translation failed a check is not in `file` and stays in its own language, so every row is scored.
    """
    if file is None:
        return list(rows)
    translated = {row["id"]: row for row in read_rows(file)}
    return [translated.get(row["id"], row) for row in rows]


def _by_checkpoint(
    checkpoint: Start | None, own: Mapping[str, Start], rows: Mapping[str, list[Row]]
) -> Iterator[tuple[Start, dict[str, list[Row]]]]:
    """Yields each checkpoint with the rows to score, languages in order."""
    shared = {code: part for code, part in rows.items() if code not in own}
    if shared:
        assert checkpoint is not None, "languages without a checkpoint"
        yield checkpoint, shared
    for code, start in own.items():
        yield start, {code: rows[code]}


def _head(model: Loaded, benchmark: Benchmark, kind: Kind) -> nn.Module | None:
    """Returns the head for the benchmark; raises RequestError if its labels differ in name or order."""
    if kind.retrieval is not None:
        return None
    if not model.heads and model.folder is not None:
        model = replace(model, heads=trainer_head.heads(model.folder, model.encoder))
    head = model.head_for(benchmark)
    labels = getattr(head, "labels", benchmark.labels)
    if tuple(labels) != benchmark.labels:
        raise RequestError(
            f"{benchmark.name} has labels {', '.join(benchmark.labels)}, but the checkpoint's head has "
            f"{', '.join(labels)}; fine-tune the target on data with the same labels in the same order"
        )
    return head


def _scores(
    benchmark: Benchmark,
    kind: Kind,
    language: str,
    split: SplitName,
    rows: Sequence[Row],
    predictions: Sequence[Prediction],
) -> list[Score]:
    golds, values = [kind.gold(benchmark, row) for row in rows], [prediction.value for prediction in predictions]
    constant = len(values) > 1 and (_all_equal(values) or _all_equal(_tags(values)))
    chance = 100 / len(rows) if kind.retrieval is not None and kind.retrieval.one_of_all else benchmark.chance
    return [
        Score(
            language,
            split,
            name,
            metrics.get(name).compute(golds, values, language),
            len(rows),
            chance if name == benchmark.metric else None,
            constant,
        )
        for name in (benchmark.metric, *benchmark.also)
    ]


def _all_equal(values: Sequence[object]) -> bool:
    return len({json.dumps(one) for one in values}) == 1


def _tags(values: Sequence[object]) -> list[object]:
    """Returns the elements of all lists in one list; shows a model that predicts one tag for all words.

    Sentences differ in length, so their lists of tags differ even then.
    """
    return [part for one in values if isinstance(one, list) for part in one]


def _table(
    benchmark: Benchmark,
    kind: Kind,
    rows: dict[str, list[Row]],
    predictions: dict[str, list[Prediction]],
) -> pa.Table:
    per_item = metrics.get(benchmark.metric).per_item
    records = [
        {
            "language": language,
            "id": row["id"],
            "group": row["group"],
            "gold": json.dumps(gold, ensure_ascii=False),
            "prediction": json.dumps(prediction.value, ensure_ascii=False),
            "item": per_item(gold, prediction.value, language) if per_item is not None else None,
            "scores": list(prediction.scores),
        }
        for language, part in rows.items()
        for row, prediction in zip(part, predictions[language], strict=True)
        for gold in (kind.gold(benchmark, row),)
    ]
    return pa.Table.from_pylist(records, schema=_SCHEMA)
