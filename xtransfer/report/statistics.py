"""The paragraph of a methods section on statistics: how a study's intervals are computed, and what stays unknown."""

from __future__ import annotations

from collections.abc import Collection

from xtransfer.analysis.verdict import Verdict
from xtransfer.report.citations import cite


def statistics(pooled: bool, verdicts: Collection[Verdict]) -> str:
    """Returns the paragraph for the verdicts of a study. `pooled`: whether its encoders are pooled."""
    known = {one.covers.replace(one.runs, "runs") for one in verdicts if one.is_known}
    unknown = dict.fromkeys((one.reason, one.over) for one in verdicts if one.state == "unknown")
    text = "Gains are paired by encoder, training seed and test item."
    drawn = (
        f"items are resampled 10,000 times in the groups that belong together{cite('davison-hinkley-1997-bootstrap')}"
    )
    if "runs and items" in known:
        text += (
            f" Their 95% intervals treat runs and test items as samples: {drawn}, the spread between runs enters "
            f"through Student's t, variance that both share is counted once{cite('owen-2007-pigeonhole')}, and the sum "
            "is narrowed to Student's t with degrees of freedom given by the runs' share of the variance."
        )
    elif any("items" in over for _, over in unknown):
        text += f" For intervals over test items, {drawn}."
    if "runs" in known:
        where = "Where there are no points per item, the" if "runs and items" in known else "Their"
        text += f" {where} 95% intervals treat runs alone as samples, through Student's t."
    if known:
        text += " Where encoders are pooled, each encoder is one run." if pooled else ""
    if any(one.has_p for one in verdicts):
        text += (
            f" P-values are adjusted over the languages of each comparison by the methods of "
            f"Holm{cite('holm-1979-simple')} and of Benjamini and "
            f"Hochberg{cite('benjamini-hochberg-1995-controlling')}."
        )
    if any(one.is_known and not one.has_p for one in verdicts):
        text += " With two runs no p-values are given."
    if any(one.together for one in verdicts):
        text += (
            " On means over languages, the gains over the baseline have simultaneous 95% intervals, and so have the "
            "differences between intermediates: half-widths are multiplied by the quantile of the largest deviation "
            f"among them{cite('westfall-young-1993-resampling')}, with runs drawn independently."
        )
    for reason, over in unknown:
        interval = f"a 95% interval over {over}, but" if over else "no interval,"
        text += f" A gain that is {reason} has {interval} no p-value and no rank."
    return text + " Runs whose loss did not fall, or whose predictions are all equal, are left out and counted."
