"""One ranking's figures over all examples of a run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from types import MappingProxyType

from saliency_report.record.evidence import Faithfulness, Plausibility, Ranking, RunEvidence
from saliency_report.record.example import ExampleResult, Map
from saliency_report.record.verdicts import is_better_than_random


@dataclass
class _Figures:
    """What the examples say of one ranking; a title comes with its tests."""

    title: str | None = None
    examples: int = 0
    better_than_random: int = 0
    marked: int = 0
    values: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def tested(self, ranking: Ranking, tests: Faithfulness) -> None:
        """Take in what one example's tests say of it."""
        self.title = self.title or ranking.title
        self.examples += 1
        self.better_than_random += is_better_than_random(ranking, tests.random)
        self._add(
            aopc=ranking.aopc,
            random_aopc=_mean(tests.random.aopc),
            sufficiency=_mean(ranking.sufficiency),
            normalised_aopc=ranking.normalised_aopc,
            tau_loo=ranking.tau_loo,
        )

    def plausible(self, found: Plausibility) -> None:
        """Take in how well its map finds what a person marked in one example."""
        self.marked += 1
        self._add(auprc=found.auprc, chance=found.chance, f1=found.f1, iou=found.iou)

    def _add(self, **values: float | None) -> None:
        for name, value in values.items():
            if value is not None:
                self.values[name].append(value)

    def mean(self, name: str) -> float | None:
        """Of the examples that have a value."""
        return _mean(self.values[name])


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
                rankings[ranking.name].tested(ranking, tests)
        for map_ in _of_the_headline_target(example):
            if map_.plausibility:
                rankings[map_.method].plausible(map_.plausibility)
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
    place = (map_.encoding, target.first, target.position, *target.at)
    return place, target.quantity, target.index, target.label, target.foil_index


def _evidence(name: str, otherwise: str, figures: _Figures, one_unit: bool) -> RunEvidence:
    in_units = figures.mean if one_unit else lambda name: None
    return RunEvidence(
        name=name,
        title=figures.title or otherwise,
        examples=figures.examples,
        aopc=in_units("aopc"),
        random_aopc=in_units("random_aopc"),
        sufficiency=in_units("sufficiency"),
        normalised_aopc=figures.mean("normalised_aopc"),
        tau_loo=figures.mean("tau_loo"),
        better_than_random=figures.better_than_random,
        auprc=figures.mean("auprc"),
        chance=figures.mean("chance"),
        f1=figures.mean("f1"),
        iou=figures.mean("iou"),
        marked=figures.marked,
    )


def _mean(values: Iterable[float | None]) -> float | None:
    """The mean of the values that are there."""
    there = [value for value in values if value is not None]
    return fmean(there) if there else None
