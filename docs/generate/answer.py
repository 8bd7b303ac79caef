"""The tables of `docs/answer.md`, from the recorded data of the natural study: `python -m docs.generate.answer`.

It reads the database and store of the settings, into which `examples/natural-inference` was imported.
"""

from __future__ import annotations

import pandas as pd

from docs.generate.tables import table
from xtransfer import open_results
from xtransfer.analysis.questions import oriented
from xtransfer.analysis.results import Results
from xtransfer.analysis.statistic import INTERVAL, points, signed

_STUDY = "natural-inference"
_XNLI = "xnli"
_ENGLISH = "xnli-people@en"
_BEFORE = "direct"


def tables(results: Results) -> list[str]:
    """Returns the tables: XNLI's means, XNLI's languages after rows in them, and the other test sets."""
    gains, contrasts = results.gains(_STUDY), results.contrasts(_STUDY)
    for frame in (gains, contrasts):
        frame["benchmark"] = frame["target"].str.partition("<")[0]
    gains = gains[gains["intermediate"] != "any"]
    xnli, pairs = gains[gains["benchmark"] == _XNLI], contrasts[contrasts["benchmark"] == _XNLI]
    return [_xnli(xnli, pairs), _own(xnli, pairs), _others(gains[gains["benchmark"] != _XNLI])]


def _xnli(gains: pd.DataFrame, contrasts: pd.DataFrame) -> str:
    means = gains[gains["language"] == "mean-but-en"].set_index("intermediate")["value"]
    rows = [
        [f"`{name}`", points(value), _change(gains[gains["intermediate"] == name], "gain"),
         "" if name == _BEFORE else _change(_against_english(contrasts, str(name)), "difference")]
        for name, value in means.items()
    ]  # fmt: skip
    headings = "intermediate", "mean but English", "gain over direct", "against English"
    return table(headings, rows, right=headings[1:])


def _own(gains: pd.DataFrame, contrasts: pd.DataFrame) -> str:
    """Languages that an intermediate is in, other than English: its gain there, and that of English rows."""
    rows = []
    for name in gains["intermediate"].unique():
        code = name.partition("@")[2]
        if name != _BEFORE and code != "en":
            of = [gains[gains["intermediate"] == one] for one in (name, _ENGLISH)]
            rows.append([f"`{name}`", code, *(_change(one, "gain", code) for one in of),
                         _change(_against_english(contrasts, name), "difference", code)])  # fmt: skip
    headings = "intermediate", "test language", "gain over direct", "gain of English rows", "against English"
    return table(headings, rows, right=headings[2:])


def _against_english(contrasts: pd.DataFrame, name: str) -> pd.DataFrame:
    pair = contrasts[(contrasts[["first", "second"]] == name).any(axis=1)]
    turned = oriented(pair, name)
    return turned[turned["second"] == _ENGLISH]


def _change(rows: pd.DataFrame, column: str, language: str = "mean-others") -> str:
    """A difference with its interval; "" if there is none."""
    found = rows[rows["language"] == language].to_dict("records")
    return f"{signed(found[0][column])} {INTERVAL.text(found[0])}" if found else ""


def _others(gains: pd.DataFrame) -> str:
    """Gains on targets of one language each, of which the mean is that language."""
    names = [name for name in gains["intermediate"].unique() if name != _BEFORE]
    rows = []
    for benchmark, part in gains.groupby("benchmark", sort=False):
        of = {name: part[part["intermediate"] == name] for name in (_BEFORE, *names)}
        rows.append([f"{benchmark} ({part['language'].iloc[0]})", points(next(iter(of[_BEFORE]["value"]), None)),
                     *(_change(of[name], "gain", "mean-but-en") for name in names)])  # fmt: skip
    headings = ["target", _BEFORE, *(f"`{name}`" for name in names)]
    return table(headings, rows, right=headings[1:])


if __name__ == "__main__":
    with open_results() as found:
        print("\n\n".join(tables(found)))
