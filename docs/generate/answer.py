"""The tables of `docs/answer.md`, from the recorded data of the natural study: `python -m docs.generate.answer`.

It reads the database and store of the settings, into which `examples/natural-inference` was imported.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import pandas as pd

from docs.generate.tables import table
from xtransfer import open_results
from xtransfer.analysis.results import Results

_STUDY = "natural-inference"
_XNLI = "xnli"
_ENGLISH = "xnli-people@en"
_MEAN = "mean-others"
_BEFORE = "direct"


def tables(results: Results) -> list[str]:
    """Returns the tables: XNLI against direct and against English, then test sets written in a language."""
    gains, contrasts = results.gains(_STUDY), results.contrasts(_STUDY)
    for frame in (gains, contrasts):
        frame["benchmark"] = frame["target"].str.partition("<")[0]
    return [_xnli(gains, contrasts), _native(gains)]


def _xnli(gains: pd.DataFrame, contrasts: pd.DataFrame) -> str:
    rows = []
    for name in gains["intermediate"].unique():
        found = gains[(gains["benchmark"] == _XNLI) & (gains["intermediate"] == name)]
        (score,) = found[found["language"] == "mean-but-en"].to_dict("records")
        (gain,) = found[found["language"] == _MEAN].to_dict("records") or [None]
        if name != "any":
            shown = _change(gain, "gain") if gain else ""
            rows.append([f"`{name}`", f"{score['value']:.1f}", shown, _against(contrasts, name)])
    headings = "intermediate", "mean but English", "gain over direct", "against English"
    return table(headings, rows, right=headings[1:])


def _against(contrasts: pd.DataFrame, name: str) -> str:
    """The difference to the same rows in English."""
    pair = contrasts[(contrasts["benchmark"] == _XNLI) & (contrasts["language"] == _MEAN)]
    for one, two, sign in (("first", "second", 1), ("second", "first", -1)):
        found = pair[(pair[one] == name) & (pair[two] == _ENGLISH)].to_dict("records")
        if found and name != _BEFORE:
            (line,) = found
            ends = sorted(sign * line[end] for end in ("joint_low", "joint_high"))
            return _change({"gain": sign * line["difference"], "joint_low": ends[0], "joint_high": ends[1]}, "gain")
    return ""


def _native(gains: pd.DataFrame) -> str:
    """Gains in the one language of each target but XNLI."""
    found = gains[gains["benchmark"] != _XNLI]
    names = [name for name in gains["intermediate"].unique() if name not in (_BEFORE, "any")]
    rows = []
    for benchmark, part in found.groupby("benchmark", sort=False):
        mean = part[part["language"] == "mean-but-en"].to_dict(
            "records"
        )  # of one language; holds for all intermediates
        by_name = {line["intermediate"]: line for line in mean}
        rows.append([f"{benchmark} ({part['language'].iloc[0]})", f"{by_name[_BEFORE]['value']:.1f}",
                     *(_change(by_name[name], "gain") for name in names)])  # fmt: skip
    headings = ["target", _BEFORE, *(f"`{name}`" for name in names)]
    return table(headings, rows, right=headings[1:])


def _change(line: Mapping[Hashable, float], name: str) -> str:
    return f"{line[name]:+.1f} [{line['joint_low']:+.1f}, {line['joint_high']:+.1f}]"


if __name__ == "__main__":
    with open_results() as found:
        print("\n\n".join(tables(found)))
