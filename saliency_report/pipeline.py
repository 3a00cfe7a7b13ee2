"""The story: a `Spec` is read; for each example a task encodes the text and names a target; the engine takes the
gradient of the target's score at every embedding; an aggregation gives one number a token and one a word; all of it
becomes a `Report`. What an example asks for beyond that, other methods and evidence, is computed from there.

Examples of one model and task go through a worker in windows and are packed by length into batches of a token budget;
when memory runs out the budget is halved. What goes wrong with an example stands in its result, and the others go on.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import torch
import transformers

from saliency_report import __version__, engine, record
from saliency_report.aggregation import AGGREGATIONS
from saliency_report.assertions import of_example, of_run
from saliency_report.given import Given
from saliency_report.methods import METHODS, Method
from saliency_report.metrics.run import over_the_run
from saliency_report.record import ExampleResult, Report, Results
from saliency_report.spec import Spec
from saliency_report.worker import Answer, Setting, Window, Worker, windows

Progress = Callable[[ExampleResult], None]
# Who explains the windows of a run: this process, or several.
Share = Callable[[Setting, Sequence[Window]], Iterable[Answer]]


def alone(setting: Setting, shared: Sequence[Window]) -> Iterator[Answer]:
    """All windows one after the other, in this process."""
    worker = Worker(setting)
    for window in shared:
        yield from worker.explain(window)


@dataclass
class Run:
    """The state of one run over a `Spec`."""

    spec: Spec
    device: torch.device
    dtype: str
    progress: Progress
    debug: bool = False
    tokens: int = 0
    custom: Sequence[Method] = ()
    command: str | None = None
    share: Share | None = None
    given: Given | None = None
    models: dict[int, record.Model] = field(default_factory=dict)
    used: set[str] = field(default_factory=lambda: {"gradient"})  # methods
    halved: bool = False  # batches, since memory ran out
    judged: bool = False  # whether any example has evidence

    def __post_init__(self) -> None:
        self.setting = Setting(self.spec.folder, self.device, self.tokens, self.custom, self.debug, self.given)
        self.budget = self.setting.budget
        self.methods = METHODS | {method.name: method for method in self.custom}
        self.known = {name: method.scores for name, method in self.methods.items()}
        self.results = Results(places=len(self.spec.examples))

    def report(self) -> Report:
        """Explain every example."""
        with engine.float32_products(self.device) as matmul:
            return self._report(matmul)

    def _report(self, matmul: record.Matmul | None) -> Report:
        begun, created = time.perf_counter(), datetime.now(UTC)
        cut = [*windows(self.spec.examples, self.dtype, more=bool(self.custom))]
        for answer in (self.share or alone)(self.setting, cut):
            self._take(answer)
        self._number_models({window.group for window in cut})
        methods = [method for method in self.methods.values() if method.name in self.used]
        scores = {score for method in methods for score in method.scores}
        return Report(
            title=self.spec.title,
            created_by=f"saliency-report {__version__}",
            created_at=created.isoformat(timespec="seconds"),
            seconds=round(time.perf_counter() - begun, 3),
            source=self.spec.source,
            command=self.command,
            rows=[*self.spec.rows],
            device=engine.device_name(self.device),
            matmul=matmul,
            token_budget=self.budget,
            versions={
                "saliency-report": __version__,
                "python": platform.python_version(),
                "torch": torch.__version__,
                "transformers": transformers.__version__,
            },
            methods=[record.Method.model_validate(m, from_attributes=True) for m in methods],
            aggregations=[
                record.Aggregation.model_validate(a, from_attributes=True)
                for a in AGGREGATIONS.values()
                if a.name in scores
            ],
            models=[self.models[group] for group in sorted(self.models)],
            examples=self.results,
            evidence=over_the_run(self.results, {m.name: m.title for m in methods}) if self.judged else [],
            assertions=of_run(self.spec.assertions, self.results),
            warnings=self._said_of_memory(),
        )

    def _take(self, answer: Answer) -> None:
        """Note a result, and what its window learned of the model and of the memory."""
        if answer.model:
            known = self.models.get(answer.group, answer.model)
            furthest = max((m.equivalence for m in (known, answer.model) if m.equivalence is not None), default=None)
            self.models[answer.group] = answer.model.model_copy(update={"equivalence": furthest})
        self.budget = min(self.budget, answer.tokens)
        self.halved |= answer.halved
        asserted = of_example(self.spec.examples[answer.place].assertions, answer.result)
        result = answer.result.model_copy(update={"model": answer.group, "assertions": asserted})
        record.check_example(result, answer.group + 1, self.known)
        self.used |= {map_.method for map_ in result.maps}
        self.judged |= result.evidence is not None or any(map_.plausibility for map_ in result.maps)
        # Its number once all are known: one that does not load has none.
        self.results[answer.place] = result
        self.progress(result.model_copy(update={"model": self._number(answer.group)}))

    def _number(self, group: int) -> int | None:
        """The number of a model among those that could be loaded."""
        return sum(other < group for other in self.models) if group in self.models else None

    def _number_models(self, groups: set[int]) -> None:
        """Let the results name their models by number where not all did load."""
        if self.models.keys() == groups:
            return
        for place, result in enumerate(self.results):
            assert result.model is not None
            self.results[place] = result.model_copy(update={"model": self._number(result.model)})

    def _said_of_memory(self) -> list[str]:
        if not self.halved:
            return []
        return [f"Memory ran out: batches were made smaller, down to {self.budget} tokens. No number depends on it."]
