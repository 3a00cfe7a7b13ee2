"""The numbers of a map as tables: the twin of every coloured text and chart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from saliency_report.page import colour, text
from saliency_report.record import Aggregation, Encoding, ExampleResult, Map


@dataclass(frozen=True)
class Row:
    """A line of the table of numbers: a word, or a token of the word above it."""

    text: str
    tokens: str
    special: bool
    part: bool
    scores: list[str]


@dataclass(frozen=True)
class Cell:
    """A number of the matrix; empty at positions that the token cannot depend on."""

    css: str
    score: str


@dataclass(frozen=True)
class Matrix:
    """Generated tokens against all words: a map with its token's label and its cells a row."""

    columns: list[str]
    rows: list[tuple[Map, str, list[Cell]]]


def token_labels(encoding: Encoding) -> list[str]:
    """The characters of each token; its name where there are none; 1/3 where it is part of one."""
    spans = [
        None if t.segment is None or t.start is None or t.start == t.end else (t.segment, t.start, t.end)
        for t in encoding.tokens
    ]
    sharing, seen = Counter(spans), Counter[tuple[int, int, int | None]]()
    labels = []
    for token, span in zip(encoding.tokens, spans, strict=True):
        if span is None:
            labels.append(text.label(token.text))
            continue
        segment, start, end = span
        seen[span] += 1
        part = f" {seen[span]}/{sharing[span]}" if sharing[span] > 1 else ""
        labels.append(text.label(encoding.segments[segment].text[start:end]) + part)
    return labels


def word_labels(encoding: Encoding) -> list[str]:
    """The characters of each word; the names of its tokens where there are none."""
    return [
        text.label("".join(encoding.tokens[token].text for token in word.tokens))
        if word.segment is None or word.start is None or word.start == word.end
        else text.label(encoding.segments[word.segment].text[word.start : word.end])
        for word in encoding.words
    ]


def rows(encoding: Encoding, map_: Map, scores: Sequence[str] | None = None) -> Iterator[Row]:
    """Every word, and below a word of several tokens each of them, with the named scores or all that the map has."""
    of_tokens, of_words = token_labels(encoding), word_labels(encoding)
    shown = list(map_.scores) if scores is None else scores
    for index, word in enumerate(encoding.words):
        names = [text.label(encoding.tokens[token].text) for token in word.tokens]
        numbers = _numbers(shown, map_.word_scores, map_.noise.word_standard_errors if map_.noise else {}, index)
        yield Row(of_words[index], " ".join(names), word.special, False, numbers)
        if len(word.tokens) > 1:
            for token, name in zip(word.tokens, names, strict=True):
                numbers = _numbers(shown, map_.scores, map_.noise.standard_errors if map_.noise else {}, token)
                yield Row(of_tokens[token], name, word.special, True, numbers)


def _numbers(
    names: Sequence[str], scores: dict[str, list[float | None]], errors: dict[str, list[float | None]], index: int
) -> list[str]:
    """A number a score, with its standard error where there is one: 0.421 ± 0.031."""
    return [
        "" if number is None else text.with_error(number, errors[name][index] if name in errors else None)
        for name in names
        for number in [scores[name][index] if index < len(scores[name]) else None]
    ]


def _cell(score: float | None, end: float, signed: bool) -> Cell:
    return Cell(colour.css_class(score, end, signed), "" if score is None else text.significant(score))


def matrix(result: ExampleResult, maps: list[Map], aggregation: Aggregation) -> Matrix:
    """Some maps of a sequence under one aggregation, over the words that are not special."""
    encoding = result.encodings[maps[0].encoding]
    end = colour.largest(result, maps, aggregation.name)
    columns = [index for index, word in enumerate(encoding.words) if not word.special]
    of_tokens, of_words = token_labels(encoding), word_labels(encoding)
    lines = []
    for map_ in maps:
        scores = text.all_rounded(map_.word_scores[aggregation.name])
        cells = [_cell(scores[i] if i < len(scores) else None, end, aggregation.signed) for i in columns]
        position, first = map_.target.position, map_.target.first
        is_span = position is not None and first is not None and first < position
        lines.append(
            (
                map_,
                text.label(map_.title if map_.target.of else map_.target.label)
                if position is None or is_span
                else of_tokens[position],
                cells,
            )
        )
    return Matrix([of_words[index] for index in columns], lines)
