"""A comparison as JSON text, one line an example."""

from __future__ import annotations

import json
from collections.abc import Iterator

from saliency_report.compare.record import Comparison
from saliency_report.record.results import escaped

_LISTS = ("examples", "vanished", "appeared")


def json_parts(comparison: Comparison) -> Iterator[str]:
    """The text piece by piece."""
    head = escaped(json.dumps(comparison.model_dump(mode="json", exclude=set(_LISTS)), ensure_ascii=False, indent=1))
    yield head[:-2]
    for name in _LISTS:
        yield f',\n "{name}": ['
        separator = "\n"
        for item in getattr(comparison, name):
            text = json.dumps(item.model_dump(mode="json"), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
            yield separator + escaped(text)
            separator = ",\n"
        yield "]"
    yield "\n}\n"
