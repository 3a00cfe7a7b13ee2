"""The story: a `Spec` is read; for each example a task encodes the text and names a target; the engine takes the
gradient of the target's score at every embedding; an aggregation gives one number a token and one a word; all of it
becomes a `Report`.

Examples of one model and task are packed by length into batches of a token budget; when memory runs out the budget is
halved. What goes wrong with an example stands in its result, and the others go on.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import torch
import transformers
from torch import Tensor

from saliency_report import __version__, engine, record
from saliency_report.aggregation import AGGREGATIONS, GRADIENT_SCORES
from saliency_report.errors import ExampleError, without_paths
from saliency_report.methods import METHODS
from saliency_report.models import Loaded, Request, load, request, shown_name
from saliency_report.packing import Company, Item, check_ids, fitting, warn_of_padding
from saliency_report.record import ExampleResult, Report
from saliency_report.spec import Spec, TextGeneration
from saliency_report.tasks import TASKS
from saliency_report.tasks.base import NOT_FINITE

Progress = Callable[[ExampleResult], None]


@dataclass
class Run:
    """The state of one run over a `Spec`."""

    spec: Spec
    device: torch.device
    dtype: str
    progress: Progress
    debug: bool = False
    budget: int = 0
    models: list[record.Model] = field(default_factory=list)
    results: dict[int, ExampleResult] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.budget = self.budget or engine.token_budget(self.device)

    def report(self) -> Report:
        """Explain every example."""
        begun, created = time.perf_counter(), datetime.now(UTC)
        groups: dict[Request, list[int]] = {}
        for place, example in enumerate(self.spec.examples):
            groups.setdefault(request(example, self.dtype), []).append(place)
        for wanted, places in groups.items():
            self._group(wanted, places)
        return Report(
            title=self.spec.title,
            created_by=f"saliency-report {__version__}",
            created_at=created.isoformat(timespec="seconds"),
            seconds=round(time.perf_counter() - begun, 3),
            source=self.spec.source,
            device=engine.device_name(self.device),
            token_budget=self.budget,
            versions={
                "saliency-report": __version__,
                "python": platform.python_version(),
                "torch": torch.__version__,
                "transformers": transformers.__version__,
            },
            methods=[record.Method.model_validate(METHODS["gradient"], from_attributes=True)],
            aggregations=[
                record.Aggregation.model_validate(AGGREGATIONS[name], from_attributes=True) for name in GRADIENT_SCORES
            ],
            models=self.models,
            examples=[self.results[place] for place in range(len(self.spec.examples))],
            warnings=self.warnings,
        )

    def _group(self, wanted: Request, places: Sequence[int]) -> None:
        """All examples of one model and task."""
        task, index = TASKS[wanted.task], len(self.models)
        items: list[Item] = []
        try:
            loaded = load(wanted, self.device, self.spec.folder)
            self.models.append(loaded.info)
            for place in places:
                with self._caught(index, place):
                    example = self.spec.examples[place]
                    prepared = task.prepare(example, loaded.checkpoint)
                    check_ids(prepared, loaded.vocabulary)
                    items.append(Item(place, example, prepared))
            items.sort(key=Item.size)
            company = self._check(items, loaded, index, 1 if task.CHOICES else None)
        except Exception as error:
            failure = self._failure(error)
            for place in places:
                if place not in self.results:
                    self._fail(index if index < len(self.models) else None, place, failure)
            return
        if wanted.task == "text-generation":
            for item in items:
                with self._caught(index, item.place):
                    self._generation(item, loaded, index)
            return
        while items:
            count = fitting(items, self.budget, company)
            self._batch(items[:count], loaded, index, task)
            del items[:count]

    def _check(self, items: Sequence[Item], loaded: Loaded, index: int, groups: int | None) -> Company:
        """Refuse a model that is another one at the hook; say with which others its examples can be packed.

        The first example that the model can run decides: what one example alone cannot do is that example's failure.
        """
        for item in items:
            rows = item.prepared.rows
            try:
                difference = engine.check_equivalence(loaded, rows, groups)
                company = self._company(item, loaded, groups)
            except Exception as error:
                alone = engine.is_out_of_memory(error) or getattr(error, "message", "") == NOT_FINITE
                if not alone:
                    raise
                continue
            self.models[index] = loaded.info.model_copy(update={"equivalence": difference})
            if company != "with any":
                warn_of_padding(items)
            return company
        return "with none"

    def _company(self, item: Item, loaded: Loaded, groups: int | None) -> Company:
        if loaded.pad is None:  # GPT-2 with a classification head takes one row a batch then
            return "with none"
        if item.example.task == "text-generation" or engine.padding_is_neutral(loaded, item.prepared.rows, groups):
            return "with any"
        return "with equals"

    def _batch(self, items: Sequence[Item], loaded: Loaded, index: int, task: Any) -> None:
        """Explain a batch in one pass; when that fails each half alone, so that one example costs no other."""
        begun = time.perf_counter()
        rows = [row for item in items for row in item.prepared.rows]
        groups = len(items) if task.CHOICES else None

        def select(logits: Tensor) -> Tensor:
            parts = [task.select(item.example, logits[i : i + 1], loaded.checkpoint) for i, item in enumerate(items)]
            return torch.cat(parts)

        failure = None
        try:
            computed = engine.gradients(loaded, rows, select, groups)
        except Exception as error:
            failure = self._failure(error)
        if failure:  # outside of `except`, where the traceback would keep the failed batch's tensors alive
            if half := len(items) // 2:
                self._batch(items[:half], loaded, index, task)
                self._batch(items[half:], loaded, index, task)
            else:
                self._fail(index, items[0].place, failure)
            return
        seconds = time.perf_counter() - begun
        tokens, row = sum(len(r) for r in rows), 0
        for i, item in enumerate(items):
            count = len(item.prepared.rows)
            with self._caught(index, item.place):
                result = task.explain(
                    item.example,
                    item.prepared,
                    loaded.checkpoint,
                    computed.logits[i : i + 1],
                    computed.embeddings[row : row + count],
                    computed.gradients[row : row + count],
                )
                share = sum(len(r) for r in item.prepared.rows) / tokens
                self._done(item.place, index, result, seconds * share)
            row += count

    def _generation(self, item: Item, loaded: Loaded, index: int) -> None:
        """Generate where no continuation is given, then one map a generated token."""
        begun = time.perf_counter()
        task, prepared, example = TASKS["text-generation"], item.prepared, item.example
        assert isinstance(example, TextGeneration)
        if len(prepared.rows[0]) == prepared.known:
            new = engine.generate(loaded, prepared.rows[0], example.max_new_tokens)
            prepared = task.extend(prepared, new, loaded.checkpoint)
        while True:
            try:
                logits, embeddings, chunks = engine.matrix(loaded, prepared.rows[0], prepared.known, self.budget)
                result = task.explain(example, prepared, loaded.checkpoint, logits, embeddings, chunks)
                break
            except Exception as error:
                if not engine.is_out_of_memory(error) or self.budget <= prepared.length:
                    raise
                self._halve()
        self._done(item.place, index, result, time.perf_counter() - begun)

    def _halve(self) -> None:
        self.budget = max(1, self.budget // 2)
        text = "Memory ran out: batches were made smaller"
        self.warnings = [w for w in self.warnings if not w.startswith(text)]
        self.warnings.append(f"{text}, down to {self.budget} tokens. No number depends on it.")

    def _done(self, place: int, index: int | None, result: ExampleResult, seconds: float) -> None:
        inputs = {**result.inputs, "model": shown_name(result.inputs["model"])}
        self.results[place] = result.model_copy(update={"model": index, "inputs": inputs, "seconds": round(seconds, 6)})
        self.progress(self.results[place])

    def _fail(self, index: int | None, place: int, error: ExampleError) -> None:
        example = self.spec.examples[place]
        result = ExampleResult(
            id=example.id,
            task=example.task,
            model=index,
            inputs=example.model_dump(),
            failure=record.Failure(message=error.message, next_step=error.next_step),
        )
        self._done(place, index, result, 0.0)

    @contextmanager
    def _caught(self, index: int, place: int) -> Iterator[None]:
        """Note an exception as the failure of one example."""
        try:
            yield
        except Exception as error:
            self._fail(index, place, self._failure(error))

    def _failure(self, error: Exception) -> ExampleError:
        """What an example's card says of an exception; with `debug` an unexpected one goes on."""
        if engine.is_out_of_memory(error):
            self._halve()
            return ExampleError(
                "Memory ran out on this example alone.", "Use a shorter text, a smaller model or another --device."
            )
        if isinstance(error, ExampleError):
            return error
        if self.debug:
            raise error
        first = without_paths(str(error).strip().partition("\n")[0])
        return ExampleError(f"{type(error).__name__}: {first}", "Run again with --debug to see where.")
