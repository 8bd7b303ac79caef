"""Renders figures as files and as parts of a page.

Calls canvases directly, because `Figure.savefig` draws everything twice and plots take most of a report's time.
"""

from __future__ import annotations

import base64
import io
import re

import matplotlib as mpl
from markupsafe import escape
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from xtransfer.report.plot_style import INK, PAPER

_FONTS = "'DejaVu Sans', Verdana, sans-serif"  # of about the same width


def png(figure: Figure, dpi: int = 160) -> bytes:
    """Returns the figure as PNG on white, for papers and slides."""
    buffer = io.BytesIO()
    figure.set_dpi(dpi)
    figure.set_facecolor("white")
    FigureCanvasAgg(figure).print_png(buffer, metadata={"Software": None})
    figure.set_layout_engine("none")  # the layout is done; repeating it would take as long as drawing
    return buffer.getvalue()


def pdf(figure: Figure) -> bytes:
    """Returns the figure as PDF on white, for LaTeX; the same figure gives the same bytes.

    It has lines, areas and embedded fonts; only a colour scale is an image.
    """
    buffer = io.BytesIO()
    figure.set_facecolor("white")
    with mpl.rc_context({"pdf.fonttype": 42}):  # TrueType, which publishers ask for
        FigureCanvasPdf(figure).print_pdf(buffer, metadata={"Creator": None, "Producer": None, "CreationDate": None})
    return buffer.getvalue()


def svg(figure: Figure) -> str:
    """Returns the figure as SVG with text as text; the same figure gives the same bytes."""
    buffer = io.StringIO()
    figure.set_facecolor("none")
    with mpl.rc_context({"svg.hashsalt": "xtransfer", "svg.fonttype": "none"}):
        FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None, "Creator": None, "Format": None})
    return buffer.getvalue().replace("'DejaVu Sans'", _FONTS)


def inline(figure: Figure, drawn: str, label: str, prefix: str) -> str:
    """Returns the figure's SVG for embedding in a page: with the page's colours, unique ids and a label."""
    text = drawn[drawn.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", text)
    text = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}-\1"', text)
    text = re.sub(r'(href="#|url\(#)', rf"\1{prefix}-", text).replace("xlink:href", "href")
    text = text.replace(INK, "currentColor").replace(PAPER, "var(--page)")
    width = float(figure.get_figwidth())
    style = f"width:{width:.2f}in;max-width:none;height:auto"
    opening = f'<svg role="img" aria-label="{escape(label)}" style="{style}" '
    text = re.sub(r'(<svg [^>]*?)width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg [^>]*?)height="[^"]*"', r"\1", text, count=1)
    return text.replace("<svg ", opening, 1)


def data_uri(image: bytes) -> str:
    """Returns a PNG as a data URI."""
    return "data:image/png;base64," + base64.b64encode(image).decode("ascii")
