"""What a stage has translated so far, as files in its state: a killed one goes on where it was."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path


class Shards:
    """A file for each shard of sentences, whole or not there; one process at a time writes to a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._outputs: dict[str, dict[str, str]] = defaultdict(dict)
        for file in sorted(folder.glob("*.json")):
            self._read(file)

    def known(self, direction: str, sentences: Sequence[str]) -> dict[str, str]:
        own = self._outputs[direction]
        return {one: own[one] for one in sentences if one in own}

    def keep(self, direction: str, outputs: Mapping[str, str], cut: frozenset[str]) -> None:
        number = 1 + max((int(file.stem) for file in self._folder.glob("*.json")), default=0)
        unfinished = self._folder / "unfinished"
        with unfinished.open("w", encoding="utf-8") as file:
            json.dump({"direction": direction, "outputs": dict(outputs)}, file)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(self._folder / f"{number:06}.json")
        self._outputs[direction] |= outputs

    def _read(self, file: Path) -> None:
        try:
            shard = json.loads(file.read_text(encoding="utf-8"))
            self._outputs[shard["direction"]] |= shard["outputs"]
        except (ValueError, KeyError, TypeError):  # a damaged one is translated again
            file.unlink()
