"""What the templates show of one example: its texts coloured, its answer in words, its tables.

The text is coloured by words, under the first aggregation, with special tokens left out;
`report.js` changes that on the reader's wish, from the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from saliency_report.page import colour, text
from saliency_report.page.spans import Run, runs_by_segment
from saliency_report.page.tables import Matrix, Row, matrix, rows
from saliency_report.record import (
    Aggregation,
    Encoding,
    ExampleResult,
    Map,
    Model,
    Outcome,
    Report,
    Segment,
)

SEGMENT_NAMES = {"text": "Text", "text_pair": "Second text"}
TEXT_FIELDS = ("text", "text_pair", "prompt", "context", "question")
OUTCOMES_SHOWN = 10
LONG_TEXT = 600  # characters


@dataclass(frozen=True)
class Span:
    """A run of text, its CSS classes and number, and which of its pieces have their own map."""

    run: Run
    css: str
    title: str
    explained: list[bool]


@dataclass(frozen=True)
class Flow:
    """A segment with its name and its spans."""

    segment: Segment
    name: str
    spans: list[Span]


@dataclass(frozen=True)
class Figure:
    """A map over its text; `largest` is the score that has the strongest colour."""

    index: int
    map: Map
    flows: list[Flow]
    rows: list[Row]
    largest: str
    share: str
    chosen: bool
    expected: bool

    @property
    def is_long(self) -> bool:
        """Whether the text is set smaller."""
        return sum(len(flow.segment.text) for flow in self.flows) > LONG_TEXT


@dataclass(frozen=True)
class ExampleView:
    """One example, ready to be shown."""

    number: int
    result: ExampleResult
    model: Model | None
    preview: str
    answer: str
    answer_probability: str
    verdict: str
    expected: str
    outcomes: list[tuple[Outcome, bool, bool]]
    figures: list[Figure]
    matrix: Matrix | None

    @property
    def has_special(self) -> bool:
        """Whether any token is special."""
        return any(t.special for encoding in self.result.encodings for t in encoding.tokens)

    @property
    def kind(self) -> str:
        """How the maps lie on the page."""
        return kind(self.result)


def kind(result: ExampleResult) -> str:
    """How the maps lie: one alone, a sequence over one text, or side by side."""
    if any(map_.target.position is not None for map_ in result.maps):
        return "sequence"
    return "side" if len(result.maps) > 1 else "single"


def view(report: Report, number: int, result: ExampleResult) -> ExampleView:
    """The view of the example that is number `number` on the page."""
    prediction = result.prediction
    outcomes = prediction.outcomes if prediction else []
    predicted = prediction.predicted if prediction else None
    expected = prediction.expected if prediction else None
    answer, answer_probability = "", ""
    if predicted is not None:
        answer = outcomes[predicted].label
        answer_probability = text.probability(outcomes[predicted].probability)
    elif prediction and prediction.text is not None:
        answer = prediction.text
    aggregation = report.aggregations[0]
    return ExampleView(
        number=number,
        result=result,
        model=None if result.model is None else report.models[result.model],
        preview=text.preview(" ".join(_own_texts(result))),
        answer=answer,
        answer_probability=answer_probability,
        verdict="" if expected is None else ("right" if expected == predicted else "wrong"),
        expected="" if expected is None else outcomes[expected].label,
        outcomes=[(o, i == predicted, i == expected) for i, o in _by_probability(outcomes)],
        figures=list(_figures(result, aggregation)),
        matrix=matrix(result, aggregation) if kind(result) == "sequence" else None,
    )


def _own_texts(result: ExampleResult) -> list[str]:
    if result.encodings:
        shown = result.encodings[0].segments
        return [s.text for s in shown if s.name not in ("continuation", "choice")]
    return [str(result.inputs[key]) for key in TEXT_FIELDS if result.inputs.get(key)]


def _by_probability(outcomes: list[Outcome]) -> list[tuple[int, Outcome]]:
    """Few outcomes stay in the model's order, which may mean something; many are sorted."""
    numbered = list(enumerate(outcomes))
    if len(outcomes) <= OUTCOMES_SHOWN:
        return numbered
    return sorted(numbered, key=lambda item: -item[1].probability)


def _figures(result: ExampleResult, aggregation: Aggregation) -> Iterator[Figure]:
    """One figure a map, all on one scale; of a sequence only the map that is shown first."""
    if not result.maps:
        return
    shown = [result.headline] if kind(result) == "sequence" else list(range(len(result.maps)))
    end = colour.largest(result, [result.maps[index] for index in shown], aggregation.name)
    prediction = result.prediction
    predicted = prediction.predicted if prediction else None
    expected = prediction.expected if prediction else None
    explained = {map_.target.position for map_ in result.maps}
    for index in shown:
        map_ = result.maps[index]
        encoding = result.encodings[map_.encoding]
        flows = [
            Flow(
                segment,
                segment_name(segment),
                [_span(run, encoding, map_, aggregation, end, explained) for run in runs],
            )
            for segment, runs in zip(encoding.segments, runs_by_segment(encoding), strict=True)
        ]
        is_choice = bool(prediction and prediction.outcomes) and map_.target.foil is None
        yield Figure(
            index=index,
            map=map_,
            flows=flows,
            rows=list(rows(encoding, map_)),
            largest=text.significant(end),
            share=text.percent(map_.special_share),
            chosen=is_choice and predicted == map_.target.index,
            expected=is_choice and expected == map_.target.index,
        )


def segment_name(segment: Segment) -> str:
    """What a reader calls the segment."""
    if segment.name == "continuation":
        return "Generated" if segment.generated else "Continuation, given"
    return SEGMENT_NAMES.get(segment.name, segment.name.replace("_", " ").capitalize())


def _span(
    run: Run,
    encoding: Encoding,
    map_: Map,
    aggregation: Aggregation,
    end: float,
    explained: set[int | None],
) -> Span:
    scores = [text.rounded(score) for score in map_.word_scores[aggregation.name]]
    score = colour.strongest(scores, run.words)
    special = any(encoding.words[word].special for word in run.words)
    classes = [
        "w",
        "chip" if run.chip else "",
        "special" if special else "",
        "" if run.chip or run.text.strip() else "newline" if "\n" in run.text else "blank",
        "" if special else colour.css_class(score, end, aggregation.signed),
    ]
    return Span(
        run,
        " ".join(name for name in classes if name),
        "" if score is None else text.significant(score),
        [not explained.isdisjoint(piece.tokens) for piece in run.pieces],
    )
