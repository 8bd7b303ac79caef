"""The plots. Colours can be told apart with any colour vision; text takes the colour of its page."""

from xtransfer.report.plots.curves import losses
from xtransfer.report.plots.forest import forests
from xtransfer.report.plots.gap import transfer_gap
from xtransfer.report.plots.heat_map import heat_maps
from xtransfer.report.plots.render import data_uri, inline, png, svg

__all__ = ["data_uri", "forests", "heat_maps", "inline", "losses", "png", "svg", "transfer_gap"]
