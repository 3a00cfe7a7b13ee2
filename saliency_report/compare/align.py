"""Words of two maps that cover the same characters, whatever tokenizers cut them; by offsets alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from saliency_report.record import Encoding, Segment, Word

_Place = tuple[int, int, int, int, int]  # text, start, end, side, word


@dataclass(frozen=True)
class View:
    """What a map sees of an encoding: of a generated token's only what stands before it."""

    encoding: Encoding
    tokens: int

    @classmethod
    def of(cls, encoding: Encoding, position: int | None) -> View:
        """The view of a target at a position, or of the whole."""
        return cls(encoding, len(encoding.tokens) if position is None else position)

    @property
    def words(self) -> list[Word]:
        """A prefix of the encoding's words; the last one may have tokens that are not seen."""
        return [word for word in self.encoding.words if word.tokens[0] < self.tokens]

    @property
    def texts(self) -> list[Segment]:
        """The segments; one that has tokens which are not seen ends with the last that is."""
        unseen = {token.segment for token in self.encoding.tokens[self.tokens :]}
        ends: dict[int | None, int] = {}
        for token in self.encoding.tokens[: self.tokens]:
            ends[token.segment] = max(ends.get(token.segment, 0), token.end or 0)
        return [
            segment.model_copy(update={"text": segment.text[: ends.get(number, 0)]}) if number in unseen else segment
            for number, segment in enumerate(self.encoding.segments)
        ]

    def tokens_of(self, words: Iterable[int]) -> list[int]:
        """Indices of the seen tokens of some words."""
        return [token for word in words for token in self.encoding.words[word].tokens if token < self.tokens]


@dataclass(frozen=True)
class SharedText:
    """A text of both views, or of one: its segment in either."""

    segment: Segment
    old: int | None
    new: int | None


@dataclass(frozen=True)
class Span:
    """Words of either view that cover the same characters; outside of every text where `within` is None."""

    within: int | None
    start: int | None
    end: int | None
    special: bool
    old: list[int]
    new: list[int]


def align(old: View, new: View) -> tuple[list[SharedText], list[Span]]:
    """The texts of both views, and a partition of the words of both: first those in texts, in order, then the bare."""
    texts = _shared(old.texts, new.texts)
    in_old = {text.old: number for number, text in enumerate(texts)}
    in_new = {text.new: number for number, text in enumerate(texts)}
    placed: list[_Place] = []
    bare: dict[tuple[object, ...], Span] = {}
    for side, view, numbers in ((0, old, in_old), (1, new, in_new)):
        seen: Counter[tuple[object, ...]] = Counter()
        for index, word in enumerate(view.words):
            within = None if word.segment is None else numbers.get(word.segment)
            if within is not None and not word.special and word.start is not None and word.end is not None:
                end = min(word.end, len(texts[within].segment.text))
                if word.start < end:
                    placed.append((within, word.start, end, side, index))
                    continue
            name = name_of(view.encoding, [index])
            kind = (within, word.start, word.special, name)
            seen[kind] += 1
            span = bare.setdefault((*kind, seen[kind]), Span(within, word.start, word.end, word.special, [], []))
            (span.new if side else span.old).append(index)
    return texts, [*_joined(sorted(placed)), *sorted(bare.values(), key=_first)]


def name_of(encoding: Encoding, words: Iterable[int]) -> str:
    """The names of the tokens of some words, for what no text shows."""
    return " ".join(encoding.tokens[token].text for word in words for token in encoding.words[word].tokens)


def _shared(old: Sequence[Segment], new: Sequence[Segment]) -> list[SharedText]:
    """Segments of one name and text are the same, the first with the first; what only one side has comes after."""
    left: dict[tuple[str, str], list[int]] = {}
    for number, segment in enumerate(old):
        left.setdefault((segment.name, segment.text), []).append(number)
    found = []
    for number, segment in enumerate(new):
        same = left.get((segment.name, segment.text))
        found.append(SharedText(segment, same.pop(0) if same else None, number))
    rest = sorted(number for numbers in left.values() for number in numbers)
    return found + [SharedText(old[number], number, None) for number in rest]


def _joined(placed: list[_Place]) -> Iterator[Span]:
    """What overlaps belongs together, and what overlaps with that."""
    for within, of_text in groupby(placed, key=lambda word: word[0]):
        span: Span | None = None
        for _, start, end, side, index in of_text:
            if span is None or span.end is None or start >= span.end:
                if span:
                    yield span
                span = Span(within, start, end, False, [], [])
            elif end > span.end:
                span = Span(within, span.start, end, False, span.old, span.new)
            (span.new if side else span.old).append(index)
        if span:
            yield span


def _first(span: Span) -> tuple[int, int]:
    """Those of both sides and of the new one by their place there, then those of the old one."""
    return (0, span.new[0]) if span.new else (1, span.old[0])
