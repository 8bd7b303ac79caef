"""What each kind encodes, against golden digests: encoded rows are kept, so a change needs a new `Kind.version`.

After raising the version of a kind, write the new digests: python -m tests.kinds.test_versions
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import pytest

from tests.benchmarks.fixtures import chosen, write_mirror
from tests.kinds.words import tokenizer
from xtransfer.base.digest import digest
from xtransfer.benchmarks import BUILT_IN, get
from xtransfer.data.load import POOL, load_pool, load_rows
from xtransfer.kinds import KINDS
from xtransfer.kinds.batches import encode_rows

GOLDEN = Path(__file__).with_name("versions.json")


def _encoded(kind: str) -> str:
    """Digest of the first rows of the kind's first benchmark, of the hub where it has one, as sequences."""
    of_kind = [one for one in BUILT_IN.values() if one.kind == kind]
    name = next((one for one in of_kind if one.source.path != "lab"), of_kind[0]).name
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "XTRANSFER_HUB_DIR", folder)
        if BUILT_IN[name].source.path != "lab":
            write_mirror(Path(folder), BUILT_IN[name])
        benchmark = get(name)
        split = next(one for one in ("train", "test", "dev") if benchmark.has(one))
        language = chosen(benchmark, split)[0]
        rows = {language: load_rows(benchmark, language, split)[:8]}
        if benchmark.pool is not None:
            rows[POOL] = load_pool(benchmark)
    together = KINDS[kind].together
    rows = together(rows) if together is not None and split != "train" else rows
    return digest([repr(one) for one in encode_rows(KINDS[kind], rows[language], tokenizer(), 24)])


@pytest.mark.parametrize("kind", list(KINDS))
def test_what_is_encoded_changes_with_the_version_alone(kind: str) -> None:
    version, expected = json.loads(GOLDEN.read_text(encoding="utf-8")).get(kind, (None, None))
    assert version == KINDS[kind].version, f"write the digest of {kind}: python -m tests.kinds.test_versions"
    assert _encoded(kind) == expected, f"{kind} encodes otherwise than before: raise its version in xtransfer/kinds"


if __name__ == "__main__":
    found = {kind: (KINDS[kind].version, _encoded(kind)) for kind in KINDS}
    GOLDEN.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
