"""What a reader has to know of one map before trusting it: does it add up, how was its noise drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from saliency_report.page import text
from saliency_report.page.cancelled import cancelled
from saliency_report.page.scores import Scores
from saliency_report.page.shares import shares
from saliency_report.page.targets import groups, headline_group
from saliency_report.record import Aggregation, Completeness, Encoding, ExampleResult, Map, Noise

Kind = Literal["", "right", "warning", "danger"]
KINDS: dict[str, Kind] = {"pass": "right", "warn": "warning", "fail": "danger"}
MARKS = {"pass": "✓ adds up:", "warn": "! adds up only roughly:", "fail": "✗ does not add up:"}
HOW_TO_READ = {
    "pass": "",
    "warn": " Read its numbers as rough shares.",
    "fail": " Do not read its numbers as shares.",
}

BEGINNING = 30  # characters of the two ends of a window

ROUNDED = "Zero up to rounding:"
# The script has it from the data of the page, for the reader who chooses such a score.
CANCEL = (
    "at every token the slopes cancel but for what rounding leaves of them, as they do where "
    "embeddings are normalised. What is left says nothing of the text: it stands as 0, without colour; report.json "
    "has it."
)


@dataclass(frozen=True)
class Fact:
    """A line under a map: a marked beginning, if any, and the rest."""

    kind: Kind
    mark: str
    text: str


def facts(map_: Map, encoding: Encoding, aggregation: Aggregation) -> Iterator[Fact]:
    """The lines under a map, whose first score is that of the aggregation."""
    if map_.target.window is not None:
        yield Fact("", "", _read(map_, encoding))
    if map_.completeness:
        verdict = map_.completeness.verdict
        yield Fact(KINDS[verdict], MARKS[verdict], f"{_sums(map_.completeness)}.{_start(map_)}{HOW_TO_READ[verdict]}")
    if map_.noise:
        yield Fact("", "", _drawn(map_.noise))
    if parts := shares(encoding, map_, aggregation):
        yield Fact("", "Where it lies:", parts)
    for warning in map_.warnings:
        yield Fact("warning", "Warning", warning)


def _read(map_: Map, encoding: Encoding) -> str:
    """Which part of a long text was read together with what is explained: nothing else has a number."""
    number, foil = map_.target.window or 0, map_.target.foil_window
    read, outside = f"Read in {_window(encoding, number)}", "it"
    if foil is not None and foil != number:
        read += f"; what it is compared with in {_window(encoding, foil)}"
        outside = "both"
    return (
        f"{read}. The words outside {outside} stand in grey: they were not read together with what is explained here "
        "and have no number, which is not the same as 0."
    )


def _window(encoding: Encoding, number: int) -> str:
    window, whole = encoding.windows[number], encoding.segments[-1].text
    read = whole[window.start : window.end].strip()
    beginning, end = text.preview(read, BEGINNING), text.preview(read[::-1], BEGINNING)[::-1]
    return f"window {number + 1} of {len(encoding.windows)}, from “{beginning}” to “{end}”"


def _start(map_: Map) -> str:
    """Two texts without their words are alike, 0.99 to 1 with MiniLM, so that most words count against their cosine."""
    if map_.target.quantity != "cosine" or map_.completeness is None:
        return ""
    cosine = text.significant(map_.completeness.baseline_score)
    return f" At the baseline the two texts have the cosine {cosine}; the scores are what each word changes of that."


def rounding(map_: Map) -> Iterator[Fact]:
    """The line of a map that first shows what rounding left; of other scores it is told when they are chosen."""
    if map_.first_score in cancelled(map_):
        yield Fact("", ROUNDED, CANCEL)


def correlation(map_: Map) -> str:
    """How alike the words rank in the gradient's map: ρ 0.87."""
    return "" if map_.correlation is None else f"ρ {text.correlation(map_.correlation)}"


def off_by(completeness: Completeness) -> str:
    """The gap between the sum and what it should be: off by 0.3 %."""
    if completeness.relative is None:
        return f"off by {text.significant(abs(completeness.delta))}"
    return f"off by {text.fine_percent(completeness.relative)}"


def _sums(completeness: Completeness) -> str:
    owed = completeness.score - completeness.baseline_score
    steps = f"{text.plural(completeness.steps, 'step')}, " if completeness.steps else ""
    kept = f", {text.plural(len(completeness.kept), 'token')} kept" if completeness.kept else ""
    return (
        f"Σ {text.significant(completeness.total)} of {text.significant(owed)}, {off_by(completeness)}, "
        f"{steps}baseline {_baseline(completeness)}{kept}"
    )


def _baseline(completeness: Completeness) -> str:
    given = completeness.baseline_text
    return completeness.baseline if given is None else f"“{text.preview(given, 40)}”"


def _drawn(noise: Noise) -> str:
    return f"{text.plural(noise.samples, 'sample')}, σ {noise.noise:g} of the range, seed {noise.seed}."


def notes(result: ExampleResult, scores: Scores) -> Iterator[Fact]:
    """What stands at the top of an example: which methods do not add up, for the headline target or another one."""
    if not result.maps:
        return
    parted = groups(result)
    head = headline_group(result)
    failing = Counter(
        result.maps[index].method
        for group in parted
        if group != head
        for index in (group.primary, *group.others)
        if _verdict(result.maps[index]) == "fail"
    )
    for index in (head.primary, *head.others):
        map_ = result.maps[index]
        title, count = scores.method(map_).title, failing[map_.method]
        verdict = _verdict(map_)
        others = f" It does not add up for {count} of the other {text.plural(len(parted) - 1, 'target')}."
        if map_.completeness and verdict != "pass":
            yield Fact(
                KINDS[verdict],
                "Does not add up" if verdict == "fail" else "Adds up only roughly",
                f"{title}: {_sums(map_.completeness)}.{HOW_TO_READ[verdict]}{others if count else ''}",
            )
        elif count:
            yield Fact("warning", "Adds up here only", f"{title}:{others}")


def _verdict(map_: Map) -> str:
    return map_.completeness.verdict if map_.completeness else "pass"
