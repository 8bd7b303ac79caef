"""The paragraph of a methods section on intervals: how those of a study are made, and what it does not know."""

from __future__ import annotations

from collections.abc import Collection

from xtransfer.analysis.verdict import Verdict
from xtransfer.report.citations import cite


def statistics(pooled: bool, verdicts: Collection[Verdict]) -> str:
    """What a paper says of the verdicts of a study; `pooled`: whether encoders are."""
    known = {one.covers.replace(one.runs, "runs") for one in verdicts if one.is_known}
    unknown = dict.fromkeys((one.reason, one.over) for one in verdicts if one.state == "unknown")
    text = "Gains are paired by encoder, training seed and test item."
    drawn = (
        f"items are drawn anew 10,000 times in the groups that belong together{cite('davison-hinkley-1997-bootstrap')}"
    )
    if "runs and items" in known:
        text += (
            f" Their 95% intervals take runs and test items as samples: {drawn}, the spread between runs enters "
            f"through Student's t, what both have in common is counted once{cite('owen-2007-pigeonhole')}, and the sum "
            "is narrowed to Student's t with the degrees of freedom that the runs' share of the variance gives."
        )
    elif any("items" in over for _, over in unknown):
        text += f" For intervals over test items, {drawn}."
    if "runs" in known:
        where = "Where there are no points per item, the" if "runs and items" in known else "Their"
        text += f" {where} 95% intervals take runs alone as samples, through Student's t."
    if known:
        text += " Where encoders are pooled, each is a run." if pooled else ""
        text += (
            f" P-values over the languages of a comparison are adjusted as by Holm{cite('holm-1979-simple')} "
            f"and as by Benjamini and Hochberg{cite('benjamini-hochberg-1995-controlling')}."
        )
    for reason, over in unknown:
        interval = f"has a 95% interval over {over}" if over else "has no interval"
        text += f" A gain whose verdict is {reason}, {interval}; it has no p-value and no rank."
    return text + " Runs whose loss did not fall, or whose predictions are all equal, are left out and counted."
