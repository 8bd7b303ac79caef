"""The fields of a study, of its targets and of the parts of its intermediates."""

from __future__ import annotations

import sys

from pydantic import BaseModel

from docs.generate.fields import field_table
from xtransfer.study.intermediate import MixturePart
from xtransfer.study.study import Study, Target


def markdown() -> str:
    """A table for each; recipes have a page of their own."""
    models: dict[str, type[BaseModel]] = {
        "Fields of a study": Study,
        "Fields of a target": Target,
        "Fields of a part of an intermediate": MixturePart,
    }
    return "\n\n".join(f"## {title}\n\n{field_table(('', model))}" for title, model in models.items()) + "\n"


if __name__ == "__main__":
    sys.stdout.write(markdown())
