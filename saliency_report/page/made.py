"""How a run was made: the settings that its methods and tests used, and what it leaves open."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from saliency_report.page.text import plural, preview
from saliency_report.record import ExampleResult

VALUES = 4  # values of a setting that are named where they differ and are no numbers


@dataclass(frozen=True)
class Settings:
    """Names and values: those that all examples share that use them, and those that differ."""

    same: list[tuple[str, str]]
    differing: list[tuple[str, str]]


@dataclass
class Made:
    """What the examples used and what they leave open, gathered one example at a time."""

    used: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    ranges: dict[str, tuple[Any, Any] | None] = field(default_factory=dict)
    explained: int = 0
    tested: int = 0
    with_layers: int = 0

    def add(self, result: ExampleResult) -> None:
        """Take in an example that has a map."""
        if not result.maps:
            return
        evidence = result.evidence
        self.explained += 1
        self.tested += bool(evidence and evidence.faithfulness and evidence.faithfulness.rankings)
        self.with_layers += bool(evidence and evidence.layers)
        for name, value in _used(result):
            self.used[name][_written(value)] += 1
            limits = self.ranges.get(name, (value, value))
            if limits and isinstance(value, int | float):
                self.ranges[name] = min(limits[0], value), max(limits[1], value)
            else:
                self.ranges[name] = None

    def settings(self) -> Settings:
        """The settings that had a part in some number of the run; a record of an early version has few."""
        same, differing = [], []
        for name, counts in self.used.items():
            if len(counts) == 1:
                same.append((name, next(iter(counts))))
            elif limits := self.ranges[name]:
                differing.append((name, " to ".join(map(_written, limits))))
            else:
                named = [f"{value} in {plural(count, 'example')}" for value, count in counts.most_common(VALUES)]
                more = [plural(len(counts) - VALUES, "other value")] if len(counts) > VALUES else []
                differing.append((name, ", ".join([*named, *more])))
        return Settings(same, differing)

    def not_shown(self, examples: int) -> list[str]:
        """What a reader might take the page of so many examples to show, and it does not."""
        said = [
            "Whether the answers are right, fair or safe. A map shows what an answer reacts to, not whether it should.",
            f"What the model does with other texts. Whoever wrote the input chose {_these(examples)}; "
            "nothing here says how typical they are.",
            "How words work together. Each has one number, and two that matter only jointly may both have a small one.",
            "What other weights do. The numbers hold for the models and the number format in the table above.",
        ]
        if self.tested < self.explained:
            counted = f"{self.tested:,} of {self.explained:,} examples were" if self.tested else "No example was"
            said.append(f"Whether every map is faithful to the model. {counted} tested for it.")
        if self.explained and not self.with_layers:
            said.append(
                "What happens between the embeddings and the answer. The layers of the model were not looked at."
            )
        return said


def _used(result: ExampleResult) -> Iterator[tuple[str, Any]]:
    """What one example used, as its file says it; what `auto` became stands beside it."""
    evidence, maps, values = result.evidence, result.maps, dict(result.inputs)
    faithfulness = evidence.faithfulness if evidence else None
    randomised = evidence.randomisation if evidence else None
    path = next((map_.completeness for map_ in maps if map_.completeness), None)
    noise = any(map_.noise for map_ in maps)
    names: list[str] = []
    if path:
        values["baseline"] = _chosen(values.get("baseline"), path.baseline)
        names += ["baseline", "keep_special", "steps", "max_steps"]
    if noise:
        names += ["samples", "noise"]
    if faithfulness:
        values["removal"] = _chosen(values.get("removal"), faithfulness.removal)
        names += ["removal", "fractions", "orders", "beam"]
    elif any(map_.method == "occlusion" for map_ in maps):
        names.append("removal")
    if randomised:
        names.append("randomisation")
    if evidence and evidence.direction and evidence.direction.flips:
        names.append("flips")
    if noise or faithfulness or randomised:
        names.append("seed")
    yield "quantity", maps[result.headline].target.quantity
    yield from ((name, values[name]) for name in names if name in values)


def _chosen(asked: Any, became: str) -> Any:
    return f"auto ({became})" if asked == "auto" else became if asked is None else asked


def _written(value: Any) -> str:
    """As it would stand in the input."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return ", ".join(f"{name} “{preview(str(part), 40)}”" for name, part in value.items())
    if isinstance(value, list):
        return f"[{preview(', '.join(map(_written, value)), 60)}]"
    return preview(str(value), 60)


def _these(count: int) -> str:
    return f"these {count:,}" if count > 1 else "this one"
