"""A map over its text: every run of text with its colour and its number, and what is said below it.

The text is coloured by words, under the first score of the map's method, with special tokens left out;
`report.js` changes that on the reader's wish, from the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from saliency_report.page import colour, text
from saliency_report.page.facts import Fact, facts, rounding
from saliency_report.page.scores import Scores
from saliency_report.page.shares import segment_name
from saliency_report.page.spans import Run, runs_by_segment
from saliency_report.page.tables import Row, rows
from saliency_report.page.targets import Group, groups, headline_group, unit
from saliency_report.record import Aggregation, Encoding, ExampleResult, Map, Method, Prediction, Segment, Target

LONG_TEXT = 600  # characters
OUTSIDE = "outside"  # the class of a word that is in another window than what is explained


@dataclass(frozen=True)
class Span:
    """A run of text, its CSS classes, of which the last is its colour, its number, and which pieces are explained.

    `tag` is the label of an entity that ends with it.
    """

    run: Run
    shape: str
    colour: str
    title: str
    explained: list[bool]
    tag: str = ""

    @property
    def css(self) -> str:
        """All its classes."""
        return f"{self.shape} {self.colour}".rstrip()


@dataclass(frozen=True)
class Flow:
    """A segment with its name and its spans."""

    segment: Segment
    name: str
    spans: list[Span]


@dataclass(frozen=True)
class Figure:
    """A map over its text; `end` is the score that has the strongest colour.

    The figure of another method is `hidden` where only targets that are not shown first have a map by it. One of the
    large figures stands `apart` where its numbers have another unit than the first one's, and so a scale of its own.
    """

    index: int
    map: Map
    method: Method
    aggregation: Aggregation
    encoding: Encoding
    flows: list[Flow]
    end: float
    name: str
    facts: list[Fact]
    chosen: bool = False
    expected: bool = False
    hidden: bool = False
    apart: bool = False

    @property
    def largest(self) -> str:
        """The end of the scale, as it is written."""
        return text.significant(self.end)

    @property
    def is_long(self) -> bool:
        """Whether the text is set smaller."""
        return sum(len(flow.segment.text) for flow in self.flows) > LONG_TEXT

    @property
    def is_parted(self) -> bool:
        """Whether the explained number is of a part of the text, outside of which no word has a number."""
        return self.map.target.window is not None

    @property
    def is_joined(self) -> bool:
        """Whether the model reads the segments as one text, of which an answer or a template's own text is a part."""
        return any(flow.segment.name in ("template", "answer") for flow in self.flows)

    @property
    def runs(self) -> list[Run]:
        """The coloured runs, in the order of the page."""
        return [span.run for flow in self.flows for span in flow.spans if span.run.words]

    @property
    def rows(self) -> Iterator[Row]:
        """The table of the first score; the script adds the others."""
        return rows(self.encoding, self.map, [self.map.first_score])


def kind(result: ExampleResult) -> str:
    """How the maps lie: one alone, a sequence over one text, or side by side; other methods stand apart."""
    parted = groups(result)
    targets = [result.maps[group.primary].target for group in parted]
    if any(target.position is not None for target in targets) or len({tuple(target.at) for target in targets}) > 1:
        return "sequence"
    return "side" if len(parted) > 1 else "single"


def primary_figures(result: ExampleResult, scores: Scores) -> Iterator[Figure]:
    """One figure a target, all on one scale; of a sequence only the target that is shown first."""
    if not result.maps:
        return
    parted = groups(result)
    shown = [headline_group(result)] if kind(result) == "sequence" else parted
    maps = [result.maps[group.primary] for group in shown]
    prediction = result.prediction
    explained = {token for group in parted for token in explained_tokens(result.maps[group.primary].target)}
    for group, map_ in zip(shown, maps, strict=True):
        like = [other for other in maps if unit(other) == unit(map_)]
        is_choice = bool(prediction and prediction.outcomes) and map_.target.foil is None
        yield _figure(
            result,
            scores,
            group.primary,
            end=colour.largest(result, like, scores.headline(map_).name),
            explained=explained,
            name=map_.title if kind(result) == "side" else scores.method(map_).title,
            chosen=is_choice and map_.target.index in _indices(prediction, "given"),
            expected=is_choice and map_.target.index in _indices(prediction, "wanted"),
            apart=unit(map_) != unit(maps[0]),
        )


def _indices(prediction: Prediction | None, which: Literal["given", "wanted"]) -> list[int]:
    """The indices of the given or expected labels, choices or tokens."""
    return [] if prediction is None else [prediction.outcomes[i].index for i in getattr(prediction, which) or []]


def other_figures(result: ExampleResult, scores: Scores) -> Iterator[Figure]:
    """A figure for each other method, of the target that is shown first, each on its own scale."""
    if not result.maps:
        return
    head = headline_group(result)
    shown: dict[str, int] = {}
    for group in [head, *groups(result)]:
        for index in group.others:
            shown.setdefault(result.maps[index].method, index)
    for method in scores.methods:
        if method.name in shown:
            index = shown[method.name]
            map_ = result.maps[index]
            yield _figure(
                result,
                scores,
                index,
                end=colour.largest(result, [map_], scores.headline(map_).name),
                explained=set(explained_tokens(map_.target)),
                name=method.title,
                hidden=index not in head.others,
            )


def target_figures(result: ExampleResult, scores: Scores, group: Group) -> Iterator[Figure]:
    """A figure for each map of one target, each on its own scale."""
    for index in (group.primary, *group.others):
        map_ = result.maps[index]
        yield _figure(
            result,
            scores,
            index,
            end=colour.largest(result, [map_], scores.headline(map_).name),
            explained=set(explained_tokens(map_.target)),
            name=f"{map_.title}, by {scores.method(map_).title}",
        )


def explained_tokens(target: Target) -> Sequence[int]:
    """Indices of the tokens that a target is of: generated ones, a mask; none where it is of the whole text."""
    if target.position is None:
        return target.at
    return range(target.position if target.first is None else target.first, target.position + 1)


def outlined(result: ExampleResult, parted: list[Group]) -> str:
    """What an outline in the text says; nothing where there is none."""
    targets = [result.maps[group.primary].target for group in parted]
    spans = [explained_tokens(target) for target in targets]
    if kind(result) != "sequence":
        which = "It" if targets[0].foil is None else "The first"
        return f"{which} is outlined in the text." if targets[0].indices else ""
    if targets[0].of is not None:
        return "Each outlined entity has a map of its own."
    if len(spans) > 1:
        longer = any(len(span) > 1 for span in spans)
        return f"Each outlined {'part' if longer else 'token'} has a map of its own."
    if len(spans[0]) > 1:
        return "The outlined tokens are explained together, as one number."
    return "The outlined token is explained."


def _figure(
    result: ExampleResult,
    scores: Scores,
    index: int,
    *,
    end: float,
    explained: set[int],
    name: str,
    chosen: bool = False,
    expected: bool = False,
    hidden: bool = False,
    apart: bool = False,
) -> Figure:
    map_ = result.maps[index]
    encoding = result.encodings[map_.encoding]
    aggregation = scores.headline(map_)
    shown = text.all_rounded(map_.word_scores[aggregation.name])
    tags = _tags(result, map_) if map_.target.at else None
    outside = _outside(result, map_)
    return Figure(
        index=index,
        map=map_,
        method=scores.method(map_),
        aggregation=aggregation,
        encoding=encoding,
        flows=[
            Flow(
                segment,
                segment_name(segment),
                [_span(run, encoding, shown, aggregation, end, explained, tags, outside) for run in runs],
            )
            for segment, runs in zip(encoding.segments, runs_by_segment(encoding), strict=True)
        ],
        end=end,
        name=name,
        facts=[*facts(map_, encoding, aggregation), *rounding(map_)],
        chosen=chosen,
        expected=expected,
        hidden=hidden,
        apart=apart,
    )


def _tags(result: ExampleResult, map_: Map) -> dict[int, str]:
    """The label of each entity, by its last token."""
    targets = [other.target for other in result.maps if other.encoding == map_.encoding]
    return {target.at[-1]: text.label(target.label) for target in targets if target.of is not None}


def _outside(result: ExampleResult, map_: Map) -> set[int]:
    """The words that were not read together with what is explained, of which the target's first map has no number."""
    if map_.target.window is None:
        return set()
    first = next(other for other in result.maps if (other.encoding, other.target) == (map_.encoding, map_.target))
    return {i for i, score in enumerate(first.word_scores[first.first_score]) if score is None}


def _span(
    run: Run,
    encoding: Encoding,
    scores: list[float | None],
    aggregation: Aggregation,
    end: float,
    explained: set[int],
    tags: dict[int, str] | None,
    outside: set[int],
) -> Span:
    score = colour.strongest(scores, run.words)
    marked = [not explained.isdisjoint(piece.tokens) for piece in run.pieces]
    # A generated token is marked by itself; of a text that was given whole words are.
    whole = tags is not None and any(marked)
    special = any(encoding.words[word].special for word in run.words)
    classes = [
        "w",
        "chip" if run.chip else "",
        "special" if special else "",
        "" if run.chip or run.text.strip() else "newline" if "\n" in run.text else "blank",
        "g" if whole else "",
    ]
    painted = "" if special else colour.css_class(score, end, aggregation.signed)
    return Span(
        run,
        " ".join(name for name in classes if name),
        OUTSIDE if outside.issuperset(run.words) and run.words and not special else painted,
        "" if score is None else text.significant(score),
        [of_piece and not whole for of_piece in marked],
        next((tag for piece in run.pieces for token in piece.tokens if (tag := (tags or {}).get(token))), ""),
    )
