"""How much of a map lies on each part: on the system prompt, the user, a template, a source, what was written."""

from __future__ import annotations

from saliency_report.page.text import percent, plural
from saliency_report.record import Aggregation, Encoding, Map, Segment

SEGMENT_NAMES = {
    "text": "Text",
    "text_pair": "Second text",
    "template": "Chat template",
    "system": "System prompt",
    "developer": "Developer’s instructions",
    "thinking": "Assistant’s thoughts",
}


def segment_name(segment: Segment) -> str:
    """What a reader calls the segment."""
    if segment.name == "continuation":
        return "Generated" if segment.generated else "Continuation, given"
    return SEGMENT_NAMES.get(segment.name, segment.name.replace("_", " ").capitalize())


def shares(encoding: Encoding, map_: Map, aggregation: Aggregation) -> str:
    """The share of each part in the summed sizes of the first score; empty where the text has no such parts."""
    names = {segment.name for segment in encoding.segments}
    if "source" not in names and ("template" not in names or "answer" in names):
        return ""
    counts: dict[str, int] = {}
    sums: dict[str, float] = {}
    for token, score in zip(encoding.tokens, map_.scores[map_.first_score], strict=False):
        bare = "special tokens" if token.special else "tokens without text"
        # What a decoder begins with has a place, before what is written, and no text.
        placed = None if token.special and token.start == token.end else token.segment
        part = bare if placed is None else _part(encoding.segments[placed])
        counts[part] = counts.get(part, 0) + 1
        if score is not None:
            sums[part] = sums.get(part, 0.0) + abs(score)
    total = sum(sums.values())
    if total == 0:
        return ""
    said = [
        f"{part} {percent(sums[part] / total)} ({plural(count, 'token')})"
        for part, count in counts.items()
        if part in sums
    ]
    without = [part for part in counts if part not in sums]
    gone = f" {' and '.join(without).capitalize()}: no numbers in this map." if without else ""
    summed = f"summed {'absolute ' if aggregation.signed else ''}{aggregation.title}"
    counted = "" if without else ", special tokens counted"
    return f"{', '.join(said)} of the {summed}{counted}. A part of more tokens tends to carry more.{gone}"


def _part(segment: Segment) -> str:
    return "continuation" if segment.name == "continuation" and not segment.generated else segment_name(segment).lower()
