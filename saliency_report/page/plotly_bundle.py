"""Plotly's JavaScript, packed to ride in the page once."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cache

from plotly.offline import get_plotlyjs


@dataclass(frozen=True)
class Bundle:
    """The script as gzip in base64, and the hash that admits it once it is unpacked.

    With an element of `map_style_id` in the page, Plotly leaves out the style sheet of its maps, which no chart needs.
    """

    packed: str
    csp_hash: str
    map_style_id: str | None


@cache
def plotly_bundle() -> Bundle:
    """The bundle of the installed plotly wheel: 4.8 MB of JavaScript, 1.96 MB so packed."""
    script: str = get_plotlyjs()
    # mtime=0: the same wheel gives the same page, byte for byte.
    packed = base64.b64encode(gzip.compress(script.encode(), 9, mtime=0)).decode("ascii")
    map_style = re.search(r'getElementById\("([0-9a-f]{64})"\)', script)
    return Bundle(packed, csp_hash(script), map_style[1] if map_style else None)


def csp_hash(text: str) -> str:
    """The source expression that admits exactly this inline script or style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"
