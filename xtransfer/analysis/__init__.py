"""What the scores say: gains over `direct` and contrasts of intermediates, with intervals."""

from xtransfer.analysis.comparison import OTHERS, UNSEEN
from xtransfer.analysis.gains import ANY, DIRECT, Grid, contrasts, gains
from xtransfer.analysis.points import Point, study_points

__all__ = ["ANY", "DIRECT", "OTHERS", "UNSEEN", "Grid", "Point", "contrasts", "gains", "study_points"]
