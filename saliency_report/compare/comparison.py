"""Two reports become one comparison."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, median

from saliency_report import __version__
from saliency_report.compare.checks import Asked
from saliency_report.compare.examples import Examples, alone
from saliency_report.compare.match import numbered
from saliency_report.compare.record import Comparison, ExampleChange, Totals
from saliency_report.compare.runs import facts, run_of
from saliency_report.page.made import Made
from saliency_report.record import Report


def compare(
    old: Report, new: Report, *, files: tuple[str, str] = ("old", "new"), asked: Asked | None = None
) -> Comparison:
    """What changed from the old report to the new one; examples are matched by their ids."""
    before = {key: place for place, key in enumerate(numbered(result.id for result in old.examples))}
    examples = Examples(old, new)
    made = Made(), Made()
    changes, appeared, pairs = list[ExampleChange](), [], list[tuple[int, int]]()
    for key, result in zip(numbered(result.id for result in new.examples), new.examples, strict=True):
        made[1].add(result)
        place = before.pop(key, None)
        if place is None:
            appeared.append(alone(result))
            continue
        earlier = old.examples[place]
        changes.append(examples.change(earlier, result))
        if earlier.model is not None and result.model is not None:
            pairs.append((earlier.model, result.model))
    for result in old.examples:
        made[0].add(result)
    changes.sort(key=_urgency)
    totals = _totals(changes)
    return Comparison(
        created_by=f"saliency-report {__version__}",
        old=run_of(old, files[0]),
        new=run_of(new, files[1]),
        facts=list(facts(old, new, pairs, made)),
        totals=totals,
        checks=(asked or Asked()).checks(changes, totals),
        examples=changes,
        vanished=[alone(old.examples[place]) for place in before.values()],
        appeared=appeared,
    )


def _urgency(change: ExampleChange) -> tuple[int, float]:
    """Sorting is stable: what is equal stays in the order of the new run."""
    fails = change.failures[1] is not None and change.failures[0] is None
    rank = 0 if change.flipped else 1 if fails else 2
    return rank, math.inf if change.tau is None else change.tau


def _totals(changes: Sequence[ExampleChange]) -> Totals:
    taus = [change.tau for change in changes if change.tau is not None]
    moves = [change.p_change for change in changes if change.p_change is not None]
    return Totals(
        compared=sum(change.status == "compared" for change in changes),
        judged=sum(change.flipped is not None for change in changes),
        flips=sum(change.flipped is True for change in changes),
        taus=len(taus),
        median_tau=median(taus) if taus else None,
        min_tau=min(taus) if taus else None,
        p_changes=len(moves),
        mean_p_change=fmean(moves) if moves else None,
    )
