"""What the templates show of one example: its answer in words, its maps as figures, its tables."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from saliency_report.page import answers, text
from saliency_report.page.cancelled import without_rounding
from saliency_report.page.facts import Fact, notes
from saliency_report.page.figures import Figure, kind, other_figures, outlined, primary_figures
from saliency_report.page.overview import model_name
from saliency_report.page.run_problems import is_incomplete, is_warned, of_example
from saliency_report.page.scores import Scores
from saliency_report.page.sentences import Sentence, sentences
from saliency_report.page.tables import Matrix, matrix
from saliency_report.page.targets import Group, groups
from saliency_report.page.windows import Windows, windows
from saliency_report.record import ExampleResult, Model, Outcome, Report, Tally

TEXT_FIELDS = ("text", "text_pair", "prompt", "context", "question")
OUTCOMES_SHOWN = 10


@dataclass(frozen=True)
class ExampleView:
    """One example, ready to be shown."""

    number: int
    result: ExampleResult
    model: Model | None
    model_name: str
    text: str
    answer: str
    answer_probability: str
    verdict: str
    expected: str
    heading: str
    outcomes: list[tuple[Outcome, bool, bool]]
    notes: list[Fact]
    is_warned: bool
    is_incomplete: bool
    groups: list[Group]
    figures: list[Figure]
    others: list[Figure]
    outlined: str
    matrix: Matrix | None

    @property
    def preview(self) -> str:
        """The beginning of the text, in one line."""
        return text.preview(self.text)

    @property
    def has_special(self) -> bool:
        """Whether any token is special."""
        return any(t.special for encoding in self.result.encodings for t in encoding.tokens)

    @cached_property
    def outcomes_asserted(self) -> Tally:
        """How many of its assertions hold, fail and are warned of."""
        found = Tally()
        found.add(self.result.assertions)
        return found

    @cached_property
    def sentences(self) -> list[list[Sentence]]:
        """The sentences of each encoding; none at all where no text has two."""
        cut = [sentences(encoding) for encoding in self.result.encodings]
        return cut if max(map(len, cut), default=0) > 1 else [[] for _ in cut]

    @property
    def windows(self) -> Windows | None:
        """The windows that a long text was read in."""
        return windows(self.result)

    @cached_property
    def kind(self) -> str:
        """How the maps lie on the page."""
        return kind(self.result)


def view(report: Report, scores: Scores, number: int, result: ExampleResult) -> ExampleView:
    """The view of the example that is number `number` on the page."""
    model = None if result.model is None else report.models[result.model]
    result = without_rounding(result, model.dtype if model else None)
    prediction = result.prediction
    outcomes = prediction.outcomes if prediction else []
    given, wanted = (prediction.given, prediction.wanted or []) if prediction else ([], [])
    answer, answer_probability = answers.answer(prediction)
    parted = groups(result)
    problems = list(of_example(report, scores, result))
    sequence = kind(result) == "sequence"
    primary = [result.maps[group.primary] for group in parted]
    return ExampleView(
        number=number,
        result=result,
        model=model,
        model_name="" if result.model is None else model_name(report, result.model),
        text=" ".join(_own_texts(result)),
        answer=answer,
        answer_probability=answer_probability,
        verdict={None: "", True: "right", False: "wrong"}[prediction.is_right if prediction else None],
        expected=answers.expected(prediction),
        heading=answers.heading(prediction) if prediction else "",
        outcomes=[(o, i in given, i in wanted) for i, o in _by_probability(outcomes)],
        notes=list(notes(result, scores)),
        is_warned=is_warned(problems),
        is_incomplete=is_incomplete(problems),
        groups=parted,
        figures=list(primary_figures(result, scores)),
        others=list(other_figures(result, scores)),
        outlined=outlined(result, parted) if primary else "",
        matrix=matrix(result, primary, scores.headline(primary[0])) if sequence and len(parted) > 1 else None,
    )


def _own_texts(result: ExampleResult) -> list[str]:
    if result.encodings:
        shown = result.encodings[0].segments
        return [s.text for s in shown if s.name not in ("continuation", "choice", "hypothesis", "answer", "template")]
    said = [message["content"] for message in result.inputs.get("messages") or []]
    return [*(str(result.inputs[key]) for key in TEXT_FIELDS if result.inputs.get(key)), *said]


def _by_probability(outcomes: list[Outcome]) -> list[tuple[int, Outcome]]:
    """Few outcomes stay in the model's order, which may mean something; many are sorted."""
    numbered = list(enumerate(outcomes))
    if len(outcomes) <= OUTCOMES_SHOWN:
        return numbered
    return sorted(numbered, key=lambda item: -item[1].logit)
