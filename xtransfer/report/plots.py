"""The plots of a report. Their colours suit any colour vision; on a page, text takes the page's colour."""

from xtransfer.report.plot_curves import losses
from xtransfer.report.plot_forest import forests
from xtransfer.report.plot_gap import transfer_gap
from xtransfer.report.plot_heat_map import heat_maps
from xtransfer.report.plot_render import data_uri, inline, pdf, png, svg

__all__ = ["data_uri", "forests", "heat_maps", "inline", "losses", "pdf", "png", "svg", "transfer_gap"]
