"""Two records side by side: which predictions changed, and whether the words behind them did. Pure; without torch."""

from saliency_report.compare.checks import Asked
from saliency_report.compare.comparison import compare
from saliency_report.compare.files import json_parts
from saliency_report.compare.record import (
    Alone,
    Answer,
    Block,
    Broken,
    Check,
    Comparison,
    ExampleChange,
    Fact,
    MapChange,
    Run,
    Seen,
    Side,
    Text,
    Totals,
)

__all__ = [
    "Alone",
    "Answer",
    "Asked",
    "Block",
    "Broken",
    "Check",
    "Comparison",
    "ExampleChange",
    "Fact",
    "MapChange",
    "Run",
    "Seen",
    "Side",
    "Text",
    "Totals",
    "compare",
    "json_parts",
]
