"""A report as lines for the terminal: of each result what was answered, and the text as a heatmap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.style import Style
from rich.text import Text

from saliency_report.page.answers import answer
from saliency_report.page.facts import off_by
from saliency_report.page.precision import in_words
from saliency_report.page.targets import headline_group
from saliency_report.page.text import correlation
from saliency_report.record import Encoding, ExampleResult, Map, Report
from saliency_report.record.verdicts import is_better_than_random

# Backgrounds from nothing to strongest, each with a text colour that keeps a contrast of 7:1 or more.
RAMP = [None, ("#fff3d6", "#000000"), ("#ffe0a3", "#000000"), ("#ffc766", "#000000"), ("#ffab33", "#000000")]
VERDICTS = {"pass": ("adds up", "dim"), "warn": ("adds up only roughly", "yellow"), "fail": ("does not add up", "red")}
SHOWN_EXAMPLES = 20  # the page has all of them
TOP_WORDS = 5
FLOWING = ("template", "prompt", "continuation")  # one running text, as messages are
JOINER = "\u200d"  # of several emoji into one
WIDTH = 600  # characters of text shown; the page has all of it


def shown(report: Report) -> list[ExampleResult]:
    """The first results, and those that failed."""
    return [result for i, result in enumerate(report.examples) if i < SHOWN_EXAMPLES or result.failure]


def summary(report: Report, results: Sequence[ExampleResult]) -> Iterator[Text]:
    """The lines of the results that are shown, then what is said of models and of the run."""
    for result in results:
        yield from lines(result)
    if left_out := len(report.examples) - len(results):
        yield Text(f"… {left_out} more in the page")
    for model in report.models:
        if model.precision:
            yield line(f"{model.name}, {model.dtype}: {in_words(model.precision)}", "dim")
    for warning in report.warnings:
        yield line(f"note: {warning}", "yellow")


def lines(result: ExampleResult) -> list[Text]:
    """The heading, the heatmap of the headline map, its strongest words, what its tests say, and what went wrong."""
    shown = [line(f"{result.id}  {result.task}  {_answer(result)}".rstrip(), "bold")]
    if result.failure:
        shown.append(line(f"  failed: {result.failure.message} {result.failure.next_step}", "red"))
    elif result.maps:
        chosen = result.maps[result.headline]
        encoding = result.encodings[chosen.encoding]
        shown.append(Text("  ").append_text(heatmap(encoding, chosen)))
        shown.append(line(f"  {chosen.target.sentence}; strongest: {_strongest(encoding, chosen)}", "dim"))
        shown += [*_sums(result), *_verdicts(result)]
        shown += [line(f"  note: {warning}", "yellow") for warning in chosen.warnings]
    return shown + [line(f"  note: {warning}", "yellow") for warning in result.warnings]


def line(text: str, style: str) -> Text:
    """A line in which no text acts on the terminal."""
    return Text(printable(text), style=style)


def heatmap(encoding: Encoding, chosen: Map) -> Text:
    """The texts with a background by each word's first score, scaled to the strongest word that is shown."""
    scores = _first_scores(chosen)
    words = [word for word in zip(scores, encoding.words, strict=False) if not word[1].special]
    top = max((abs(score) for score, _ in words), default=0.0)
    text, left = Text(), WIDTH
    for i, segment in enumerate(encoding.segments):
        part = Text(printable(segment.text))
        for score, word in words:
            if word.segment == i and top > 0:
                colours = RAMP[min(len(RAMP) - 1, round(abs(score) / top * (len(RAMP) - 1)))]
                if colours:
                    part.stylize(Style(bgcolor=colours[0], color=colours[1]), word.start or 0, word.end)
        if segment.generated:
            part.stylize("underline")
        if segment.name == "template":
            part.stylize("dim")
        before = encoding.segments[i - 1].name if i else ""
        is_answer = segment.name == "answer" and before != "answer"
        joined = (
            not text
            or before == "template"
            or is_answer
            or (segment.name in FLOWING and before != "source")
            or segment.field is not None
        )
        text.append_text(part[:left]) if joined else text.append(" / ").append_text(part[:left])
        left -= min(left, len(part))
    return text.append("…") if not left else text


def _sums(result: ExampleResult) -> Iterator[Text]:
    """For each map of the headline's target whose scores should add up, whether they do."""
    group = headline_group(result)
    for index in sorted((group.primary, *group.others)):
        map_ = result.maps[index]
        if map_.completeness:
            verdict, style = VERDICTS[map_.completeness.verdict]
            yield line(f"  {map_.method.replace('_', ' ')}: {verdict} ({off_by(map_.completeness)})", style)


def _verdicts(result: ExampleResult) -> Iterator[Text]:
    """What the tests of the headline map came to."""
    evidence = result.evidence
    if evidence and evidence.faithfulness:
        ranking, random = evidence.faithfulness.rankings[0], evidence.faithfulness.random
        good = is_better_than_random(ranking, random)
        said = f"{'more' if good else 'not more'} faithful than random (beats {ranking.beaten} of {random.orders})"
        yield line(f"  order of words: {said}", "dim" if good else "yellow")
    if evidence and evidence.randomisation:
        falls, rho = evidence.randomisation.falls, evidence.randomisation.stages[-1].correlation
        alike = "keeps its order in reverse" if rho is not None and rho < 0 else "stays alike"
        said = "becomes another map" if falls else alike
        beside = "" if rho is None else f" (ρ {correlation(rho)})"
        yield line(f"  with random weights: {said}{beside}", "dim" if falls else "yellow")


def _first_scores(chosen: Map) -> list[float]:
    """The first scores of the words; what is not measured is not shown, as 0 is not."""
    return [score or 0.0 for score in chosen.word_scores[chosen.first_score]]


def _strongest(encoding: Encoding, chosen: Map) -> str:
    scores = _first_scores(chosen)
    words = [
        (score, encoding.segments[word.segment].text[word.start : word.end])
        for score, word in zip(scores, encoding.words, strict=False)
        if word.segment is not None and not word.special
    ]
    top = sorted((pair for pair in words if pair[1].strip()), key=lambda pair: -abs(pair[0]))[:TOP_WORDS]
    return ", ".join(f"{word} {score:.3g}" for score, word in top)


def _answer(result: ExampleResult) -> str:
    prediction = result.prediction
    if prediction is None or not prediction.outcomes:
        return ""
    right = {None: "", True: "right", False: "wrong"}[prediction.is_right]
    return " ".join(part for part in (*answer(prediction), right) if part)


def printable(text: str) -> str:
    """Code point by code point, no control characters: a text must not move the cursor or set colours."""
    return "".join(
        char if char.isprintable() or char == JOINER else " " if char.isspace() else "\ufffd" for char in text
    )
