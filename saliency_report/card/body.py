"""The Markdown of a card: of each example its picture, what was measured, how exact, and the strongest words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from urllib.parse import quote

from saliency_report.card.plain import markdown
from saliency_report.card.sections import Section
from saliency_report.card.strongest import SHOWN, strongest
from saliency_report.page import text
from saliency_report.page.evidence_verdict import verdict
from saliency_report.page.overview import identity
from saliency_report.page.precision import in_words
from saliency_report.record import Model

_IS_NOT = (
    "Proof that a word caused the answer, or of what the answer would be without it, or of whether it is right or "
    "fair. Numbers compare inside one example, not across models, methods or texts."
)


@dataclass(frozen=True)
class Pictures:
    """Where the pictures of an example are, from the Markdown file; `left_out` is what they do not show."""

    svg: str
    png: str | None
    left_out: str


def body(sections: Sequence[Section], pictures: Sequence[Pictures]) -> str:
    """The whole, with \\n at the end of each line."""
    parts = [part for section, of in zip(sections, pictures, strict=True) for part in _section(section, of)]
    report = sections[0].report
    source = f" from {report.source}" if report.source else ""
    made = f"Made with {report.created_by}{source}, {text.moment(report.created_at)}, on {report.device}."
    return "\n\n".join([*parts, f"**What it is not.** {markdown(_IS_NOT)}", markdown(made)]) + "\n"


def _section(section: Section, pictures: Pictures) -> Iterator[str]:
    example = section.example
    yield f"### {markdown(text.preview(example.result.id))}"
    yield _picture(section, pictures)
    prediction = example.result.prediction
    if prediction and example.answer and not prediction.stop:
        right = f", expected {example.expected}" if example.verdict == "wrong" else ""
        answer = ", ".join(filter(None, (text.preview(example.answer), example.answer_probability)))
        yield markdown(f"The model {'gives' if prediction.link == 'none' else 'answers'} {answer}{right}.")
    yield "**What was measured.** " + " ".join(map(markdown, _measured(section)))
    yield "**How exact.** " + " ".join(map(markdown, _exact(section)))
    yield _verdict(section)
    for fact in section.problems:
        yield f"**{markdown(fact.mark)}**: {markdown(fact.text)}"
    if left_out := pictures.left_out.removeprefix("… "):
        yield markdown(f"The picture shows a part of the text: {left_out[0].lower()}{left_out[1:]}")
    yield from _table(section)


def _picture(section: Section, pictures: Pictures) -> str:
    alternative = markdown(section.alternative, alternative=True)
    # The Hub does not show every SVG, so what is seen is the PNG, and leads to the other.
    shown = f"![{alternative}]({quote(pictures.png or pictures.svg)})"
    return f"[{shown}]({quote(pictures.svg)})" if pictures.png else shown


def _measured(section: Section) -> Iterator[str]:
    figure, model = section.figure, section.example.model
    title = figure.aggregation.title
    yield f"{title[:1].upper()}{title[1:]} of each word, for this number: {figure.map.target.sentence}."
    yield f"{figure.aggregation.sentence} Method: {figure.method.title}. {figure.method.sentence}"
    if section.further:
        yield f"The report has {text.plural(section.further, 'further explained number')} of this example."
    if model:
        yield f"Model: {section.example.model_name}, {identity(model)}, {model.dtype}{_besides(model)}."


def _besides(model: Model) -> str:
    adapter = (
        f", with the adapter {model.adapter} (sha256 {(model.adapter_sha256 or '')[:12]})" if model.adapter else ""
    )
    return adapter + (f", quantised to {model.bits} bits" if model.bits else "")


def _exact(section: Section) -> Iterator[str]:
    figure, model = section.figure, section.example.model
    if model and model.equivalence is not None:
        off = f"logits that differ by {text.significant(model.equivalence)} of the largest one from its own"
        logits = off if model.equivalence else "its own logits, digit for digit"
        yield f"The model with its embeddings put in from outside, as for the gradient, gives {logits}."
    if model and model.precision:
        yield f"Half precision beside float32: {in_words(model.precision)}."
    for fact in figure.facts:
        if fact.kind in ("", "right"):  # the others stand by themselves
            yield f"{fact.mark} {fact.text}".strip()
    if (evidence := section.example.result.evidence) and (random := evidence.randomisation):
        alike = "stays alike, so it says little of what the model has learned"
        yield f"With random weights the map {'becomes another one' if random.falls else alike}."
    yield "Numbers have three significant digits."


def _verdict(section: Section) -> str:
    """Whether the order of words was tested, and what that came to."""
    judged = verdict(section.example.result)
    assert judged  # there is a map
    lead, mark, rest = judged.lead.rstrip(":").partition("," if judged.kind == "untested" else ":")
    said = [f"{mark}{rest}."]
    if of := judged.explained:
        than = f", minus that of {of.foil}" if of.foil else ""
        said = [f": {judged.before} {of.what} {of.label}{than} {judged.after}", *judged.advice]
    return f"**{markdown(lead)}**{markdown(' '.join(said))}"


def _table(section: Section) -> Iterator[str]:
    figure = section.figure
    words = strongest(figure)
    if not words:
        yield "No word has a score other than 0."
        return
    sums = figure.map.completeness
    parted, shared = len(figure.flows) > 1, not (sums and sums.verdict == "fail")
    rows = [
        ["word", "place", "part", markdown(figure.aggregation.title), "share"],
        ["---", "---", "---", "---:", "---:"],
    ]
    rows += [[markdown(cell) for cell in (word.label, word.place, word.part, word.score, word.share)] for word in words]
    kept = [True, True, parted, True, shared]
    yield "\n".join(f"| {' | '.join(compress(row, kept))} |" for row in rows)
    most = f"The {SHOWN} strongest words" if len(words) == SHOWN else "All words with a score"
    what = "sizes of all words’ scores" if figure.aggregation.signed else "scores of all words"
    share = f", and the share of each in the summed {what}" if shared else ""
    special = figure.map.special_share
    bare = f" Special tokens, which carry {text.percent(special)} of the map, are left out." if special else ""
    yield markdown(f"{most}{share}.{bare}")
