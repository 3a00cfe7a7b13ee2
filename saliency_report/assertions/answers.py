"""Assertions about the answer: what it is, how likely, and what was written."""

from __future__ import annotations

from typing import Any

from saliency_report.assertions.finding import Finding, UntestableError, listed, number
from saliency_report.record import ExampleResult, Outcome, Prediction

LONGEST = 200  # characters of a generated text that are named
# Their outcomes are the likeliest of very many; of the others all there are.
OPEN = ("fill-mask", "question-answering")


def prediction(result: ExampleResult, value: Any) -> Finding:
    """Whether the answers are those named, by name or index."""
    answered = _answered(result)
    wanted = value if isinstance(value, list) else [value]
    if result.task not in OPEN:
        for name in wanted:
            if not any(_is(outcome, name) for outcome in answered.outcomes):
                known = ", ".join(outcome.label for outcome in answered.outcomes[:20])
                raise UntestableError(f"the model has no label {name!r}; write one of {known}")
    given = [answered.outcomes[index] for index in answered.given]
    held = len(given) == len(wanted) and all(any(_is(outcome, name) for outcome in given) for name in wanted)
    return Finding(held, ", ".join(map(_stated, given)) or "no label is given")


def expected_prediction(value: Any) -> str:
    """NEGATIVE, or several labels, or none."""
    names = [f"index {name}" if isinstance(name, int) else name for name in _listed(value)]
    return listed(names) if names else "no label"


def min_confidence(result: ExampleResult, value: float) -> Finding:
    """The probability of the answer; of several the least."""
    answered = _answered(result)
    given = [answered.outcomes[index] for index in answered.given]
    if not given:
        raise UntestableError("no label is given; assert prediction: [] if that is right")
    if any(outcome.probability is None for outcome in given):
        raise UntestableError("the model gives no probability; leave it out")
    least = min(given, key=lambda outcome: outcome.probability or 0.0)
    p = least.probability or 0.0
    return Finding(p >= value, f"{number(p, value)} for {least.label}", p, value)


def expected_least(value: float) -> str:
    """Probability of at least 0.8."""
    return f"probability of at least {number(value)}"


def generated_contains(result: ExampleResult, value: str) -> Finding:
    """Whether a text occurs in what was generated; capitals and the white space between words do not count."""
    answered = result.prediction
    if answered is None or answered.text is None or answered.stop == "continuation given":
        raise UntestableError("nothing was generated; leave continuation out")
    line = _line(answered.text)
    shown = line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
    return Finding(_line(value).casefold() in line.casefold(), f"“{shown}”")


def expected_text(value: str) -> str:
    """“Paris” in what is generated."""
    return f"“{_line(value)}” in what is generated"


def _line(text: str) -> str:
    return " ".join(text.split())


def _answered(result: ExampleResult) -> Prediction:
    answered = result.prediction
    if answered is None or not answered.outcomes or answered.link == "none":
        raise UntestableError("the answer is a number, or none that has a name; leave it out")
    return answered


def _is(outcome: Outcome, name: str | int) -> bool:
    return outcome.index == name if isinstance(name, int) else outcome.label.strip() == name.strip()


def _stated(outcome: Outcome) -> str:
    return outcome.label if outcome.probability is None else f"{outcome.label}, p = {number(outcome.probability)}"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
