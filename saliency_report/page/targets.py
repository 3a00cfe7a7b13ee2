"""Maps that explain the same number: one by the method of the headline map, the others beside it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from saliency_report.record import ExampleResult, Map


@dataclass(frozen=True)
class Group:
    """Indices of the maps of one target; `primary` is the one shown large."""

    primary: int
    others: tuple[int, ...]


def groups(result: ExampleResult) -> list[Group]:
    """The maps of an example by their targets, in the order of the record."""
    by_target: dict[Hashable, list[int]] = {}
    for index, map_ in enumerate(result.maps):
        by_target.setdefault(_identity(map_), []).append(index)
    return [_group(result, indices) for indices in by_target.values()]


def headline_group(result: ExampleResult) -> Group:
    """The maps of the target that is shown first; the example must have a map."""
    return next(group for group in groups(result) if result.headline in (group.primary, *group.others))


def unit(map_: Map) -> Hashable:
    """Maps share a scale where they have the same score of the same quantity, a difference of two counting as it."""
    return map_.first_score, map_.target.quantity.removesuffix(" difference")


def _group(result: ExampleResult, indices: list[int]) -> Group:
    method = result.maps[result.headline].method
    primary = next((index for index in indices if result.maps[index].method == method), indices[0])
    return Group(primary, tuple(index for index in indices if index != primary))


def _identity(map_: Map) -> Hashable:
    target = map_.target
    place = (target.first, target.position, *target.at)
    return (map_.encoding, target.index, place, target.foil, target.quantity)
