"""Assertions about the tests of maps: do they add up, does the model obey them, do methods agree?"""

from __future__ import annotations

from typing import Any

from saliency_report.assertions.finding import Finding, UntestableError, number, percent
from saliency_report.record import Completeness, ExampleResult, Map
from saliency_report.record.verdicts import is_better_than_random

LIMITS = {"pass": 0.01, "warn": 0.05}
VERDICTS = ("pass", "warn", "fail")


def completeness(result: ExampleResult, value: str) -> Finding:
    """Whether every map that should add up does, for each target."""
    found = [(map_.completeness, map_) for map_ in result.maps if map_.completeness]
    if not found:
        raise UntestableError("no map of this example should add up; its warnings say why")
    worst, map_ = max(found, key=lambda pair: (VERDICTS.index(pair[0].verdict), pair[0].relative or 0.0))
    passed = VERDICTS.index(worst.verdict) <= VERDICTS.index(value)
    more = f", the worst of {len(found)} maps" if len(found) > 1 else ""
    said = f"{_off(worst, LIMITS[value])} in {_named(map_)}{more}"
    return Finding(passed, said, worst.relative, LIMITS[value])


def expected_completeness(value: str) -> str:
    """Off by at most 1 %."""
    return f"off by at most {percent(LIMITS[value])}"


def _off(worst: Completeness, limit: float) -> str:
    if worst.relative is None:
        return f"off by {number(abs(worst.delta))} where nothing is to be shared out"
    return f"off by {percent(worst.relative, limit)}"


def _named(map_: Map) -> str:
    return f"{map_.method.replace('_', ' ')} of “{map_.title}”"


def more_faithful(result: ExampleResult, value: bool) -> Finding:
    """Whether the map that is shown first beats random orders, as its card says."""
    tests = result.evidence.faithfulness if result.evidence else None
    if tests is None or not tests.rankings:
        raise UntestableError("the example was not put to the test; its warnings say why")
    beaten, orders = tests.rankings[0].beaten, tests.random.orders
    passed = is_better_than_random(tests.rankings[0], tests.random)
    return Finding(passed, f"beats {beaten} of {orders} random orders", beaten / orders, 0.95)


def expected_faithful(value: bool) -> str:
    """Beats 95 % of the random orders."""
    return f"beats at least {percent(0.95)} of the random orders"


def agreement(result: ExampleResult, value: dict[str, Any]) -> Finding:
    """How alike the map that is shown first and another method's rank the words."""
    other, least = value["with"], value["min_tau"]
    found = result.evidence.agreement if result.evidence else None
    own = result.maps[result.headline].method if result.maps else ""
    if found is None or other not in found.names or own not in found.names:
        raise UntestableError(f"there are no maps to compare with {other}; the example's warnings say why")
    tau = found.kendall[found.names.index(own)][found.names.index(other)]
    if tau is None:
        raise UntestableError("one of the two maps has the same number for every word")
    return Finding(tau >= least, f"τ = {number(tau, least)}", tau, least)


def expected_agreement(value: dict[str, Any]) -> str:
    """τ of at least 0.3 with occlusion."""
    return f"τ of at least {number(value['min_tau'])} with {value['with'].replace('_', ' ')}"
