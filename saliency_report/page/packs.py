"""The data of the page in packs of examples, compressed where that pays.

The cards of the first examples stand in the page; those of the others are in their packs, as the same HTML without
what the script adds, so that a page of ten thousand opens as fast as one of ten.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from markupsafe import Markup

from saliency_report.record import Report, to_json

EXAMPLES = 50  # in a pack, in the page before any script runs, and on one page of the list
PLAIN_BYTES = 2_000  # above it JSON is compressed

# Of the record in the page, packed: some 30 film snippets, or 15 examples of several tasks. A page with charts weighs
# 2 MB without it; beyond, each further example would weigh 2 to 4 kB more.
RECORD_BYTES = 64_000


@dataclass(frozen=True)
class Pack:
    """JSON for a script element; as gzip in base64 where it is `compressed`."""

    content: Markup
    compressed: bool

    @property
    def type(self) -> str:
        """The type of the element, by which the script knows how to read it."""
        return "text/plain" if self.compressed else "application/json"


def pack(data: Any) -> Pack:
    """Some data as JSON that can stand in a script element."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    if len(text) > PLAIN_BYTES:
        return Pack(Markup(compressed(text)), True)
    # Nothing in it can end the element or begin a comment; a bare carriage return would become a newline.
    for letter in "<>&'\r\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return Pack(Markup(text), False)


def packed_record(report: Report, *, anyhow: bool) -> Pack | None:
    """The record for the reader to save, where it is small; always compressed, for it is hostile text as it stands."""
    if not anyhow and len(report.examples) > EXAMPLES:
        return None  # too large by far, and 10,000 examples would be packed for nothing
    packed = compressed(to_json(report))
    return Pack(Markup(packed), True) if anyhow or len(packed) <= RECORD_BYTES else None


def compressed(text: str) -> str:
    """A text as gzip in base64; the same text gives the same characters."""
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode("ascii")


def batches(items: Iterable[Any]) -> Iterator[Sequence[Any]]:
    """The items, so many at a time as a pack holds."""
    iterator = iter(items)
    while batch := list(islice(iterator, EXAMPLES)):
        yield batch
