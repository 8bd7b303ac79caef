"""Stage `describe`: what an encoder makes of some train or dev rows before any training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from xtransfer.base.stage import Outside, StageKind, Work
from xtransfer.data.pinned import rows
from xtransfer.study.stage_settings import DescribeSettings


def reads(settings: DescribeSettings) -> Iterator[Outside]:
    yield rows(settings.benchmark, settings.split, [settings.language], settings.data)


def run(settings: DescribeSettings, work: Work) -> Mapping[str, object]:
    import numpy as np

    from xtransfer import benchmarks, kinds
    from xtransfer.data.load import load_rows
    from xtransfer.kinds.encoded import encoded_rows
    from xtransfer.models import checkpoints, pretrained
    from xtransfer.models.predict import RowEncoder, vectors_of
    from xtransfer.scoring.description import describe

    model = checkpoints.load(work.model(settings.encoder))
    pretrained.check_length(model.encoder, settings.max_length, work.model(settings.encoder))
    benchmark = benchmarks.get(settings.benchmark)
    read = load_rows(benchmark, settings.language, settings.split, settings.rows)
    encoder = RowEncoder(model.tokenizer, settings.max_length)
    vectors = np.stack([one.mean(dim=0).numpy() for one in vectors_of(model.encoder, benchmark, read, encoder,
                                                                        work.device)])  # fmt: skip
    encoded = encoded_rows(kinds.get(benchmark.kind), [read], model.tokenizer, settings.max_length)
    tokens = {token for number in range(len(read)) for sequence in encoded[number].sequences for token in sequence}
    classes = bool(benchmark.labels) and all(isinstance(row.get("label"), int) for row in read)
    found = describe(vectors, tokens, np.array([row["label"] for row in read]) if classes else None)
    found.save(work.out)
    judged = {"log_evidence": found.log_evidence, "h_score": found.h_score}
    known = {name: one for name, one in judged.items() if one is not None}
    return {"rows": found.rows, "num_tokens": len(found.tokens), **known}


KIND = StageKind(DescribeSettings, run, reads, seconds=3)
