"""Where the gradient points, and what it is at every layer, in words and tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from saliency_report.page import colour
from saliency_report.page.evidence_tables import Line, Table, number
from saliency_report.page.evidence_verdict import Explained, explained
from saliency_report.page.tables import Cell, token_labels, word_labels
from saliency_report.page.text import label, part, plural, rounded, visible
from saliency_report.record import Direction, Encoding, ExampleResult, Flip, Layers


@dataclass(frozen=True)
class FlipLine:
    """A replacement: the old and the new token, the change that the gradient foretells and the true one, the answer."""

    old: str
    new: str
    predicted: str
    actual: str
    holds: bool
    answer: str
    changes: bool


@dataclass(frozen=True)
class Strongest:
    """The flip that changes F most in a forward pass."""

    word: str
    line: FlipLine
    verb: str
    amount: str


@dataclass(frozen=True)
class DirectionView:
    """Flips by word, and the cosine of gradient and embedding of words and tokens."""

    explained: Explained
    sentence: str
    strongest: Strongest | None
    outcome: str
    summary: str
    groups: list[tuple[str, list[FlipLine]]]
    cosines: Table


@dataclass(frozen=True)
class LayersView:
    """Two tables with a row a token and a column a layer; a note where the last layer has one gradient alone."""

    number: int
    summary: str
    note: str
    tables: list[Table]


def holds(flip: Flip) -> bool:
    """Whether the foretold and the true change have one sign."""
    return flip.predicted * flip.actual > 0


def direction_view(result: ExampleResult, direction: Direction | None) -> DirectionView | None:
    """The view of flips and cosines; None without any."""
    if direction is None:
        return None
    map_ = result.maps[result.headline]
    encoding = result.encodings[map_.encoding]
    words = word_labels(encoding)
    flips = direction.flips
    groups = [
        (words[word], [_line(flip, direction.answer) for flip in group])
        for word, group in groupby(sorted(flips, key=lambda flip: _place(flips, flip)), key=lambda flip: flip.word)
    ]
    largest = max(flips, key=lambda flip: abs(flip.actual), default=None)
    return DirectionView(
        explained=explained(map_.target),
        sentence=f"{part(direction.agreeing, len(flips), 'predicted sign', 'holds', 'hold')} in a real forward pass."
        if flips
        else "",
        strongest=None
        if largest is None or largest.actual == 0
        else Strongest(
            words[largest.word],
            _line(largest, direction.answer),
            "lowers" if largest.actual < 0 else "raises",
            number(abs(largest.actual)),
        ),
        outcome=_outcome(direction),
        summary=f"{plural(len(flips), 'replacement')} of {plural(len(groups), 'word')}",
        groups=groups,
        cosines=_cosines(encoding, direction),
    )


def _place(flips: Sequence[Flip], flip: Flip) -> int:
    """Where the flip's word first appears: strongest words come first in the record."""
    return next(index for index, other in enumerate(flips) if other.word == flip.word)


def _line(flip: Flip, before: str | None) -> FlipLine:
    return FlipLine(
        label(flip.old),
        label(flip.new),
        _signed(flip.predicted),
        _signed(flip.actual),
        holds(flip),
        "" if flip.answer is None else label(flip.answer),
        flip.answer != before,
    )


def _outcome(direction: Direction) -> str:
    """How many replacements change the answer itself; nothing where no answer was asked for."""
    if direction.answer is None or not direction.flips:
        return ""
    changed = sum(flip.answer != direction.answer for flip in direction.flips)
    if not changed:
        return f"None of them changes the answer, {label(direction.answer)}."
    return f"{changed} of them {'changes' if changed == 1 else 'change'} the answer, {label(direction.answer)}."


def _signed(value: float) -> str:
    return ("+" if value > 0 else "") + number(value)


def _cosines(encoding: Encoding, direction: Direction) -> Table:
    """A row for each word that is not special, and below a word of several tokens each of them."""
    words, tokens = word_labels(encoding), token_labels(encoding)
    seen = len(direction.cosine)
    shown = [index for index, word in enumerate(encoding.words[: len(direction.word_cosine)]) if not word.special]
    values = [value for index in shown if (value := direction.word_cosine[index]) is not None]
    end = max(map(abs, values), default=0.0)

    def cell(value: float | None) -> Cell:
        # A token inside a word can have more than the word.
        return Cell("" if value is None else colour.css_class(max(-end, min(value, end)), end, True), number(value))

    lines = []
    for index in shown:
        lines.append(Line(words[index], [cell(direction.word_cosine[index])]))
        parts = [token for token in encoding.words[index].tokens if token < seen]
        if len(encoding.words[index].tokens) > 1:
            lines += [Line(tokens[token], [cell(direction.cosine[token])], "part") for token in parts]
    return Table("cos(g, x) of each word, and of the tokens inside it", "Text", ["Cosine"], lines)


def layers_view(number_: int, result: ExampleResult, layers: Layers | None) -> LayersView | None:
    """The view of the gradient at every layer; None where no layer was seen."""
    if layers is None or not layers.names:
        return None
    encoding = result.encodings[result.maps[result.headline].encoding]
    tables = [
        _layer_table("Gradient norm ‖∂F/∂h‖ at the hidden states h of each layer", encoding, layers, False),
        _layer_table("Gradient × activation Σⱼ hⱼ ∂F/∂hⱼ at the hidden states h of each layer", encoding, layers, True),
    ]
    summary = f"The gradient at {plural(len(layers.names), 'layer')}, token by token"
    read = [label_ for label_, norm in zip(token_labels(encoding), layers.gradient_norm[-1], strict=False) if norm]
    note = f"In the last layer only {read[0]} has a gradient: the answer is read there." if len(read) == 1 else ""
    return LayersView(number_, summary, note, tables)


def _layer_table(caption: str, encoding: Encoding, layers: Layers, signed: bool) -> Table:
    """Tokens down, layers across; each layer has its own scale, special tokens left out."""
    values = layers.gradient_x_activation if signed else layers.gradient_norm
    special = [token.special for token in encoding.tokens]
    ends = [_largest(row, special) for row in values]
    labels = token_labels(encoding)
    lines = [
        Line(
            labels[token],
            [
                Cell("" if special[token] else colour.css_class(row[token], end, signed), number(row[token]))
                for row, end in zip(values, ends, strict=True)
            ],
            "reserved" if special[token] else "",
        )
        for token in range(len(values[0]) if values else 0)
    ]
    return Table(f"{caption}; each layer is coloured on its own scale", "Token", layers.names, lines)


def _largest(row: Sequence[float | None], special: Sequence[bool]) -> float:
    shown = (v for v, hidden in zip(row, special, strict=False) if v is not None and not hidden)
    return max(map(abs, shown), default=0.0)


def layers_data(result: ExampleResult, layers: Layers) -> dict[str, Any]:
    """The layers for the script, as they are shown."""

    def rows(values: list[list[float | None]]) -> list[list[float | None]]:
        return [[None if value is None else rounded(value) for value in row] for row in values]

    return {
        "encoding": result.maps[result.headline].encoding,
        "names": [visible(name) for name in layers.names],
        "norm": rows(layers.gradient_norm),
        "activation": rows(layers.gradient_x_activation),
    }
