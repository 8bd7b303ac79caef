"""The example notebook: its cells run in order in an empty folder, and the outputs in the file are of a clean run."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.running import MINUTES, ROOT, Ran, environment, give_stages
from tests.test_python import declared_runner
from xtransfer import open_results

NOTEBOOK = ROOT / "examples" / "first-hour.ipynb"
_OF_A_MACHINE = re.compile(r"/(?:root|home|tmp|work|usr|opt|var|mnt|Users)/")
_EXECUTE = """
import ast, json, sys

def display(value):  # as a notebook shows it
    print(value._repr_html_() if hasattr(value, "_repr_html_") else repr(value))

names = {"__name__": "__main__", "display": display}
for number, cell in enumerate(json.load(open(sys.argv[1], encoding="utf-8"))["cells"]):
    if cell["cell_type"] == "code":
        tree = ast.parse("".join(cell["source"]), f"cell {number}")
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, f"cell {number}", "exec"), names)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), f"cell {number}", "eval"), names)
            if value is not None:
                display(value)
"""


def _code() -> list[dict[str, Any]]:
    return [cell for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]


def test_the_outputs_in_the_file_are_of_one_clean_run() -> None:
    assert [cell["execution_count"] for cell in _code()] == [*range(1, len(_code()) + 1)]
    outputs = [one for cell in _code() for one in cell["outputs"]]
    assert {one["output_type"] for one in outputs} == {"stream", "execute_result", "display_data"}
    assert all(one.get("name", "stdout") == "stdout" for one in outputs)
    assert sum("data:image/png" in "".join(one.get("data", {}).get("text/html", "")) for one in outputs) == 2
    assert not _OF_A_MACHINE.search(NOTEBOOK.read_text(encoding="utf-8"))


@pytest.mark.slow
@pytest.mark.storm
def test_its_cells_run(learnt_lab: Ran, tmp_path: Path) -> None:
    """With the stages that `lab --small` has too in the store, which is most of the time that the cells take."""
    folder = tmp_path / "a folder"
    give_stages(learnt_lab.home, folder / "first-hour")
    places = environment(tmp_path / "unused", {"PYTHONPATH": f"{declared_runner(tmp_path / 'installed')}:{ROOT}"})
    done = subprocess.run(
        [sys.executable, "-c", _EXECUTE, str(NOTEBOOK)],
        cwd=folder,
        env=places,
        capture_output=True,
        text=True,
        timeout=30 * MINUTES,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("data:image/png;base64,") == 2 and "failed:" not in done.stderr
    home = folder / "first-hour"
    with open_results(f"sqlite:///{home / 'results.db'}", store=str(home / "artifacts")) as results:
        german = results.scores("reviews", intermediate="reviews@de", language="de")
        assert set(german["status"]) == {"done"} and german["value"].mean() > 75
        assert results.gains("first-hour", intermediate="lab-nli@en", language="en")["gain"].item() > 10
    assert not (tmp_path / "unused").exists()
