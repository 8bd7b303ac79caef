"""What the scores say: gains over `direct` and contrasts of intermediates, with intervals; what is best and why."""

from xtransfer.analysis.gains import ANY, DIRECT, Grid, contrasts, gains
from xtransfer.analysis.mixed import mixed_effects
from xtransfer.analysis.paired_difference import FAMILY, OTHERS, SCRIPT, UNSEEN, is_language
from xtransfer.analysis.points import Point, study_points
from xtransfer.analysis.power import power
from xtransfer.analysis.ranking import ranking

__all__ = ["ANY", "DIRECT", "FAMILY", "OTHERS", "SCRIPT", "UNSEEN", "Grid", "Point", "contrasts", "gains",
           "is_language", "mixed_effects", "power", "ranking", "study_points"]  # fmt: skip
