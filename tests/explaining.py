"""One example with its model, its rows and F of each of its maps, as the pipeline has them between its steps."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner

from records import measured
from saliency_report import engine
from saliency_report.cli import main
from saliency_report.engine import Job, parts
from saliency_report.errors import InputError
from saliency_report.models import Loaded, load
from saliency_report.pipeline import Run
from saliency_report.record import ExampleResult, Map, Report
from saliency_report.sources import request
from saliency_report.spec import Example, parse_spec
from saliency_report.tasks import TASKS
from saliency_report.tasks.base import Prepared
from saliency_report.tasks.encoding import Row
from saliency_report.tasks.target import TargetFunction

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Opened:
    """An explained example, its model, and F of each of its maps."""

    loaded: Loaded
    example: Example
    prepared: Prepared
    result: ExampleResult
    functions: list[TargetFunction]

    @property
    def headline(self) -> Map:
        """The map shown first."""
        return self.result.maps[self.result.headline]

    @property
    def function(self) -> TargetFunction:
        """F of the map shown first."""
        return self.functions[self.result.headline]

    def jobs(self) -> list[Job]:
        """A job a map."""
        return [Job(function) for function in self.functions]


def no_memory_for_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on memory runs out on gradients of more than one row."""
    real = engine.gradients

    def tight(loaded: Loaded, rows: Sequence[Row], *rest: Any) -> engine.Gradients:
        if len(rows) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return real(loaded, rows, *rest)

    monkeypatch.setattr(engine, "gradients", tight)


def check_alike(ours: Map, theirs: Map, rel: float = 1e-9, *, whole: bool = True) -> None:
    """Two maps of one thing have the same number and the same scores, of every token where it is `whole`."""
    assert ours.target.score == pytest.approx(theirs.target.score, rel=1e-9, abs=1e-12)
    for name, scores in ours.scores.items():
        pairs = [*zip(scores, theirs.scores[name], strict=True)]
        assert all((one is None) == (other is None) for one, other in pairs), name
        known = [pair for pair in pairs if whole or pair != (None, None)]
        here, there = (measured([pair[side] for pair in known]) for side in (0, 1))
        assert here == pytest.approx(there, rel=rel, abs=1e-12), name


def only(report: Report) -> ExampleResult:
    """The one example of a report, which must not have failed."""
    (result,) = report.examples
    assert result.failure is None, result.failure
    return result


def refusal(text: str) -> str:
    """What is said of YAML text that is no spec."""
    with pytest.raises(InputError) as caught:
        parse_spec(text, "in.yaml", "in.yaml", Path())
    return str(caught.value)


def said_by_check(text: str, folder: Path) -> str:
    """The one line of the command `check` about YAML text that is no spec, without the line's place."""
    path = folder / "in.yaml"
    path.write_text(text, encoding="utf-8")
    done = CliRunner().invoke(main, ["check", str(path)])
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    return line.partition(" ")[2]


def opened(text: str, folder: Path, dtype: str = "float64") -> Opened:
    """The one example of YAML text, which must not fail; its model is looked up in the folder."""
    spec = parse_spec(text, "input.yaml", "input.yaml", folder)
    (example,) = spec.examples
    result = only(Run(spec, CPU, dtype, lambda result: None, debug=True).report())
    loaded = load(request(example, dtype), CPU, folder)
    task: Any = TASKS[example.task]
    prepared = task.prepare(example, loaded.checkpoint)
    if example.task == "text2text-generation":
        if len(prepared.rows[0]) == prepared.known:
            new = engine.write(loaded, prepared.rows[0], example.max_new_tokens)
            prepared = task.extend(prepared, new, loaded.checkpoint)
        prepared = task.aim(example, prepared, loaded.checkpoint)
    if example.task == "text-generation":
        if len(prepared.rows[0]) == prepared.known:
            new = engine.generate(loaded, prepared.rows[0], example.max_new_tokens)
            prepared = task.extend(prepared, new, loaded.checkpoint)
        prepared = task.aim(example, prepared, loaded.checkpoint)
    return Opened(loaded, example, prepared, result, task.functions(example, prepared, loaded.checkpoint, result))


def check_functions(open_: Opened, rel: float = 1e-7) -> None:
    """F of each map is the number explained, and its gradient the map's."""
    values, gradients = engine.evaluate(open_.loaded, open_.jobs(), gradient=True)
    assert values.tolist() == pytest.approx([map_.target.score for map_ in open_.result.maps], rel=1e-9)
    for map_, gradient in zip(open_.result.maps, gradients, strict=True):
        # What stands outside of the window that F is of has no score, and F does not react to it. Not their sum alone,
        # which is nothing behind a layer that normalises the embeddings.
        for name, of_tokens in (("l2", gradient.norm(dim=-1)), ("sum", gradient.sum(-1))):
            expected = [0.0 if score is None else score for score in map_.scores[name]]
            assert of_tokens.tolist() == pytest.approx(expected, rel=rel, abs=1e-11 if rel < 1e-6 else 1e-6), name


def count_parts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A list that has one more entry each time that a long text is computed in parts."""
    passes: list[int] = []
    real = parts.in_parts

    def counted(*given: Any) -> Any:
        passes.append(1)
        return real(*given)

    # The package has a function of the module's name.
    for module in (engine, sys.modules["saliency_report.engine.evaluate"]):
        monkeypatch.setattr(module, "in_parts", counted)
    return passes
