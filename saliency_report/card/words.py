"""The text of a map as words with their colours, in the blocks that it is shown in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from saliency_report.card.layout import Word
from saliency_report.card.plain import printable
from saliency_report.card.sections import Section
from saliency_report.page import colour, text
from saliency_report.page.figures import OUTSIDE, Flow, Span

BREAK = "\n"


@dataclass(frozen=True)
class Block:
    """Words that follow one another, and what they are called; without a name it is clear."""

    name: str
    words: list[Word]


def blocks(section: Section) -> list[Block]:
    """All texts of the map: those that the model reads as one in one block, as on the page."""
    figure = section.figure
    scores = text.all_rounded(figure.map.word_scores[figure.aggregation.name])
    of_flows = [list(_words(flow, scores)) for flow in figure.flows]
    if not (section.example.kind == "sequence" or figure.is_joined):
        named = len(figure.flows) > 1 or figure.flows[0].segment.name != "text"
        return [Block(flow.name if named else "", of) for flow, of in zip(figure.flows, of_flows, strict=True)]
    joined: list[Word] = []
    before = ""
    for flow, of_flow in zip(figure.flows, of_flows, strict=True):
        name = flow.segment.name
        between = " / " if name == before == "answer" else " → " if before == "source" else ""
        joined += [Word(between), *of_flow] if between else of_flow
        before = name
    names = [flow.name for flow in figure.flows if flow.segment.name != "template"]
    said = ", then ".join([*names[:1], *(name.lower() for name in names[1:])]) if len(names) > 1 else ""
    return [Block(said, joined)]


def _words(flow: Flow, scores: list[float | None]) -> Iterator[Word]:
    for span in flow.spans:
        for word in _of_span(span, scores):
            yield replace(word, small=flow.segment.name == "template", bold=flow.segment.name == "answer")


def _of_span(span: Span, scores: list[float | None]) -> Iterator[Word]:
    run, classes = span.run, span.shape.split()
    whole = "g" in classes
    if {"chip", "special"} <= set(classes) and not whole and not any(span.explained):
        return
    if run.chip and not run.words:
        yield Word(f"[{run.text}]", chip=True)
        yield Word(" ")
        return
    outside = span.colour == OUTSIDE
    painted = span.colour if span.colour[-1:] not in ("", "0") and not outside else ""
    first = Word(
        printable(run.text),
        painted,
        sign={"p": "+", "n": "−"}.get(painted[:1], ""),
        chip=run.chip,
        unread=run.unread,
        outside=outside,
        score=abs(colour.strongest(scores, run.words) or 0.0) if span.colour else 0.0,
    )
    if run.words and "newline" in classes:
        yield replace(first, text="↵")
        yield Word(BREAK * run.text.count(BREAK))
    elif run.words and "blank" in classes:
        yield replace(first, text="\u00a0" * len(run.text), explained=any(span.explained))
    else:
        parts = groupby(zip(run.pieces, span.explained, strict=True), key=lambda pair: pair[1])
        for explained, pieces in parts:
            shown = printable("".join(piece.text for piece, _ in pieces))
            yield replace(first, text=shown, explained=explained or whole)
            first = replace(first, score=0.0)
    if span.tag:
        yield Word(f"\u00a0{printable(span.tag)}", chip=True)
