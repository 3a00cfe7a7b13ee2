"""An SVG as a PNG, by resvg; it draws text with the fonts of this machine."""

from __future__ import annotations

from saliency_report.card.widths import FONT
from saliency_report.errors import OutputError

ZOOM = 2  # for screens that have so many points a pixel
_PROBE = '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20">{}</svg>'


def is_installed() -> bool:
    """Whether PNGs can be drawn."""
    try:
        import resvg_py  # noqa: F401
    except ImportError:
        return False
    return True


def png(svg: str) -> bytes:
    """The picture at twice its size; resvg_py must be installed.

    Raises:
        OutputError: this machine has no font, and the picture would have no words.
    """
    if _drawn(_PROBE.format(f'<text x="2" y="15" font-family="{FONT}">a</text>')) == _drawn(_PROBE.format("")):
        raise OutputError(
            "This machine has no font to draw a PNG with.",
            "Install one, such as fonts-liberation, or leave the PNG out with --no-png.",
        )
    return _drawn(svg)


def _drawn(svg: str) -> bytes:
    import resvg_py

    return bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=ZOOM))
