"""How much each word moved a language model's answer, as one HTML file that opens anywhere.

From Python `explain` gives a report, which a notebook shows; `load` reads one that was saved, `render` writes its page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from saliency_report.api import explain, load, render

__version__ = "0.1.0"
__all__ = ["explain", "load", "render"]


def __getattr__(name: str) -> Any:
    """Bring torch in when it is first needed: the command line's help takes 0.15 s without it, and seconds with it."""
    if name not in __all__:
        raise AttributeError(f"module 'saliency_report' has no attribute {name!r}")
    from saliency_report import api

    return getattr(api, name)
