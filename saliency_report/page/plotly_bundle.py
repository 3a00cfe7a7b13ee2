"""Plotly's JavaScript, packed to ride in the page once."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SMALL = Path(__file__).resolve().parent.parent / "bundle/plotly-cartesian.min.js"  # in wheels that were built with it


@dataclass(frozen=True)
class Bundle:
    """The script as gzip in base64, and the hash that admits it once it is unpacked.

    With an element of `map_style_id` in the page, Plotly leaves out the style sheet of its maps, which no chart needs.
    """

    packed: str
    csp_hash: str
    map_style_id: str | None
    trusts_types: bool


@cache
def plotly_bundle() -> Bundle:
    """The small bundle where the wheel has it, 0.66 MB so packed; else that of the plotly package, 1.96 MB."""
    small = SMALL.is_file()
    script = SMALL.read_text(encoding="utf-8") if small else _of_the_package()
    # mtime=0: the same wheel gives the same page, byte for byte.
    packed = base64.b64encode(gzip.compress(script.encode(), 9, mtime=0)).decode("ascii")
    map_style = re.search(r'getElementById\("([0-9a-f]{64})"\)', script)
    # plotly.js 4.1.1 puts strings into the page as HTML in its full bundle, but not in the small one.
    return Bundle(packed, csp_hash(script), map_style[1] if map_style else None, trusts_types=small)


def _of_the_package() -> str:
    from plotly.offline import get_plotlyjs  # half a second, which a page without charts need not wait

    script: str = get_plotlyjs()
    return script


def csp_hash(text: str) -> str:
    """The source expression that admits exactly this inline script or style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"
