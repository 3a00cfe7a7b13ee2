"""One ranking's figures over all examples of a run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from types import MappingProxyType

from saliency_report.record.evidence import Faithfulness, Plausibility, Ranking, RunEvidence
from saliency_report.record.report import ExampleResult, Map
from saliency_report.record.verdicts import is_better_than_random


@dataclass
class _Figures:
    """What the examples say of one ranking; a title comes with its tests."""

    title: str | None = None
    tested: list[tuple[Ranking, Faithfulness]] = field(default_factory=list)
    plausible: list[Plausibility] = field(default_factory=list)


def over_the_run(
    examples: Sequence[ExampleResult], titles: Mapping[str, str] = MappingProxyType({})
) -> list[RunEvidence]:
    """Means of each ranking's figures over the examples that have them, in the order in which names first appear.

    Figures in units of F, the AOPC and the sufficiency, have a mean only where all tested examples share their model
    and the kind of their F: a mean of a logit's and a probability's says nothing. Every example weighs the same,
    however long it is: its own mean over fractions or random orders is taken first. A ranking that bears a method's
    name has that method's plausibility too, of its map of the headline's target. A method without any test of
    faithfulness is titled by `titles`, or else by its name.
    """
    rankings: defaultdict[str, _Figures] = defaultdict(_Figures)
    units = set[tuple[int | None, str]]()
    for example in examples:
        tests = example.evidence and example.evidence.faithfulness
        if tests:
            units.add((example.model, example.maps[example.headline].target.quantity))
            for ranking in tests.rankings:
                figures = rankings[ranking.name]
                figures.title = figures.title or ranking.title
                figures.tested.append((ranking, tests))
        for map_ in _of_the_headline_target(example):
            if map_.plausibility:
                rankings[map_.method].plausible.append(map_.plausibility)
    one_unit = len(units) == 1
    return [_evidence(name, titles.get(name, name), figures, one_unit) for name, figures in rankings.items()]


def _of_the_headline_target(example: ExampleResult) -> list[Map]:
    """The first map of each method for the target that the example's evidence is about."""
    of_method: dict[str, Map] = {}
    for map_ in example.maps:
        if _target(map_) == _target(example.maps[example.headline]):
            of_method.setdefault(map_.method, map_)
    return list(of_method.values())


def _target(map_: Map) -> tuple[object, ...]:
    """What names a target; its score is left out, since each method may have computed it in another batch."""
    target = map_.target
    return map_.encoding, target.quantity, target.first, target.position, target.index, target.label, target.foil_index


def _evidence(name: str, otherwise: str, figures: _Figures, one_unit: bool) -> RunEvidence:
    tested, plausible = figures.tested, figures.plausible
    alike = tested if one_unit else []
    return RunEvidence(
        name=name,
        title=figures.title or otherwise,
        examples=len(tested),
        aopc=_mean(ranking.aopc for ranking, _ in alike),
        random_aopc=_mean(_mean(tests.random.aopc) for _, tests in alike),
        sufficiency=_mean(_mean(ranking.sufficiency) for ranking, _ in alike),
        normalised_aopc=_mean(ranking.normalised_aopc for ranking, _ in tested),
        tau_loo=_mean(ranking.tau_loo for ranking, _ in tested),
        better_than_random=sum(is_better_than_random(ranking, tests.random) for ranking, tests in tested),
        auprc=_mean(p.auprc for p in plausible),
        chance=_mean(p.chance for p in plausible),
        f1=_mean(p.f1 for p in plausible),
        iou=_mean(p.iou for p in plausible),
        marked=len(plausible),
    )


def _mean(values: Iterable[float | None]) -> float | None:
    """The mean of the values that are there."""
    there = [value for value in values if value is not None]
    return fmean(there) if there else None
