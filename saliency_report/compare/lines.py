"""A comparison as lines for the terminal: changed predictions first, then the run in numbers, then what was asked."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from saliency_report.compare.record import Answer, Comparison, ExampleChange
from saliency_report.page.change_overview import changed, grouped, left_out, move
from saliency_report.page.change_table import named
from saliency_report.page.text import correlation, plural, preview, probability
from saliency_report.terminal import line

SHOWN = 20  # changed predictions, and lines of a check that does not hold; the page has more


def summary(comparison: Comparison) -> Iterator[Text]:
    """What changed, in some lines."""
    totals = comparison.totals
    if totals.judged:
        yield line(changed(totals.flips, totals.judged), "bold yellow" if totals.flips else "bold")
    flipped = [example for example in comparison.examples if example.flipped]
    for example in flipped[:SHOWN]:
        yield from _changed(example)
    if len(flipped) > SHOWN:
        yield Text(f"  … {len(flipped) - SHOWN} more in the page")
    for example in comparison.examples:
        if example.failures[1] is not None and example.failures[0] is None:
            yield line(f"  {example.id}  fails now: {example.failures[1]}", "red")
    yield from _in_numbers(comparison)
    left = [f"{count} {what}" for count, what in left_out(comparison)]
    if left:
        yield line(f"not compared: {', '.join(left)}", "yellow")
    for of, facts in grouped([fact for fact in comparison.facts if fact.differs]):
        yield line(f"differs: {of}: {', '.join(fact.name for fact in facts)}", "dim")


def failures(comparison: Comparison) -> Iterator[Text]:
    """What was asked for and does not hold: the example, what was expected and what was found."""
    for check in comparison.checks:
        for broken in check.broken[:SHOWN]:
            where = f" {broken.id}:" if broken.id is not None else ""
            expected, found = preview(broken.expected, 200), preview(broken.found, 200)
            yield line(f"failed: {check.name}:{where} expected {expected}, found {found}", "red")
        if len(check.broken) > SHOWN:
            yield line(f"failed: {check.name}: {len(check.broken) - SHOWN} more", "red")


def _in_numbers(comparison: Comparison) -> Iterator[Text]:
    totals = comparison.totals
    if totals.median_tau is not None and totals.min_tau is not None:
        lowest = next(example.id for example in comparison.examples if example.tau == totals.min_tau)
        lowest = f"lowest {correlation(totals.min_tau)} ({preview(lowest, 60)})"
        median = f"median τ {correlation(totals.median_tau)} over {plural(totals.taus, 'example')}"
        yield line(f"order of the words: {median}, {lowest}", "")
    if totals.mean_p_change is not None:
        over = f"mean over {plural(totals.p_changes, 'example')}"
        yield line(f"change of the probability of the earlier answer: {move(totals.mean_p_change)}, {over}", "")


def _changed(example: ExampleChange) -> Iterator[Text]:
    tau = "" if example.tau is None else f"  τ {correlation(example.tau)}"
    yield line(f"  {example.id}  {_said(example.old)} → {_said(example.new)}{tau}", "")
    if example.maps and (example.maps[0].came or example.maps[0].went):
        first = example.maps[0]
        moves = [f"{name} {named(first, of)}" for name, of in (("came", first.came), ("went", first.went)) if of]
        yield line(f"    {'; '.join(moves)}", "dim")


def _said(answer: Answer | None) -> str:
    if answer is None:
        return ""
    p = "" if answer.probability is None else f" {probability(answer.probability)}"
    return f"{preview(answer.text, 60)}{p}"
