"""The story: a `Spec` is read; for each example a task encodes the text and names a target; the engine takes the
gradient of the target's score at every embedding; an aggregation gives one number a token and one a word; all of it
becomes a `Report`. What an example asks for beyond that, other methods and evidence, is computed from there.

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
from functools import cached_property
from typing import Any

import torch
import transformers
from torch import Tensor

from saliency_report import __version__, engine, record, scheduling
from saliency_report.aggregation import AGGREGATIONS
from saliency_report.analysis import Facts, Subject, analyse, randomisations
from saliency_report.errors import ExampleError, without_paths
from saliency_report.methods import METHODS, Method
from saliency_report.metrics.run import over_the_run
from saliency_report.models import Loaded, Request, load, request, shown_name
from saliency_report.packing import Budget, Company, Item, check_ids, fitting, warn_of_padding
from saliency_report.record import ExampleResult, Report
from saliency_report.spec import Spec, TextGeneration, asks_for_more
from saliency_report.tasks import TASKS
from saliency_report.tasks.base import NOT_FINITE

Progress = Callable[[ExampleResult], None]


@dataclass(frozen=True)
class _Explained:
    """An example, its first maps and the seconds that they took; F and its gradient (t, d) of maps that stay known."""

    item: Item
    result: ExampleResult
    seconds: float
    known: dict[int, tuple[float, Tensor]] = field(default_factory=dict)


@dataclass
class _Loaded:
    """A model that is at work, and the explained examples that wait for more."""

    loaded: Loaded
    index: int
    company: Company
    task: Any
    waiting: list[_Explained] = field(default_factory=list)

    @cached_property
    def facts(self) -> Facts:
        """What its examples share."""
        rows = max((row for one in self.waiting for row in one.item.prepared.rows), key=len)
        return Facts(self.loaded, engine.is_causal(self.loaded, rows))


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
    models: list[record.Model] = field(default_factory=list)
    results: dict[int, ExampleResult] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.budget = Budget(self.tokens or engine.token_budget(self.device))
        self.methods = METHODS | {method.name: method for method in self.custom}

    def report(self) -> Report:
        """Explain every example."""
        with engine.float32_products(self.device) as matmul:
            return self._report(matmul)

    def _report(self, matmul: record.Matmul | None) -> Report:
        begun, created = time.perf_counter(), datetime.now(UTC)
        groups: dict[Request, list[int]] = {}
        for place, example in enumerate(self.spec.examples):
            groups.setdefault(request(example, self.dtype), []).append(place)
        for wanted, places in groups.items():
            self._group(wanted, places)
        examples = [self.results[place] for place in range(len(self.spec.examples))]
        used = {"gradient", *(map_.method for example in examples for map_ in example.maps)}
        methods = [method for method in self.methods.values() if method.name in used]
        scores = {score for method in methods for score in method.scores}
        return Report(
            title=self.spec.title,
            created_by=f"saliency-report {__version__}",
            created_at=created.isoformat(timespec="seconds"),
            seconds=round(time.perf_counter() - begun, 3),
            source=self.spec.source,
            command=self.command,
            device=engine.device_name(self.device),
            matmul=matmul,
            token_budget=self.budget.tokens,
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
            models=self.models,
            examples=examples,
            evidence=over_the_run(examples, {method.name: method.title for method in methods}),
            warnings=[*self.warnings, *self._said_of_memory()],
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
        model = _Loaded(loaded, index, company, task)
        while items:
            count = 1 if wanted.task == "text-generation" else fitting(items, self.budget.tokens, company)
            for one in self._explained(items[:count], model):
                if asks_for_more(one.item.example) or self.custom:
                    model.waiting.append(one)
                else:
                    self._done(one.item.place, index, one.result, one.seconds)
            del items[:count]
            # As many as fill a batch go on together, so that their points share batches.
            if model.waiting and (
                not items or sum(w.item.prepared.length for w in model.waiting) >= self.budget.tokens
            ):
                self._more(model)

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

    def _explained(self, items: Sequence[Item], model: _Loaded) -> list[_Explained]:
        """The first maps of a batch, one pass for all; when that fails each half alone, so that one costs no other."""
        if items[0].example.task == "text-generation":
            with self._caught(model.index, items[0].place):
                return [self._generation(items[0], model)]
            return []
        begun = time.perf_counter()
        rows = [row for item in items for row in item.prepared.rows]
        groups = len(items) if model.task.CHOICES else None
        checkpoint = model.loaded.checkpoint

        def select(logits: Tensor) -> Tensor:
            parts = [model.task.select(item.example, logits[i : i + 1], checkpoint) for i, item in enumerate(items)]
            return torch.cat(parts)

        failure = None
        try:
            computed = engine.gradients(model.loaded, rows, select, groups)
        except Exception as error:
            failure = self._failure(error)
        if failure:  # outside of `except`, where the traceback would keep the failed batch's tensors alive
            if half := len(items) // 2:
                return self._explained(items[:half], model) + self._explained(items[half:], model)
            self._fail(model.index, items[0].place, failure)
            return []
        seconds = time.perf_counter() - begun
        tokens, row = sum(len(r) for r in rows), 0
        found: list[_Explained] = []
        for i, item in enumerate(items):
            count = len(item.prepared.rows)
            own = computed.gradients[row : row + count]
            with self._caught(model.index, item.place):
                result = model.task.explain(
                    item.example,
                    item.prepared,
                    checkpoint,
                    computed.logits[i : i + 1],
                    computed.embeddings[row : row + count],
                    own,
                )
                # The first maps are of one row each.
                known = {j: (result.maps[j].target.score, gradient) for j, gradient in enumerate(own)}
                share = sum(len(r) for r in item.prepared.rows) / tokens
                found.append(_Explained(item, result, seconds * share, known))
            row += count
        return found

    def _generation(self, item: Item, model: _Loaded) -> _Explained:
        """Generate where no continuation is given, then one map a generated token."""
        begun = time.perf_counter()
        task, prepared, example, loaded = model.task, item.prepared, item.example, model.loaded
        assert isinstance(example, TextGeneration)
        if len(prepared.rows[0]) == prepared.known:
            new = engine.generate(loaded, prepared.rows[0], example.max_new_tokens)
            prepared = task.extend(prepared, new, loaded.checkpoint)
        prepared = task.aim(example, prepared, loaded.checkpoint)
        score = task.scores(example, prepared)
        while True:
            try:
                computed = engine.matrix(loaded, prepared.rows[0], prepared.spans, score, self.budget.tokens)
                result = task.explain(example, prepared, loaded.checkpoint, *computed)
                return _Explained(Item(item.place, example, prepared), result, time.perf_counter() - begun)
            except Exception as error:
                if not engine.is_out_of_memory(error) or self.budget.tokens <= prepared.length:
                    raise
                self.budget.halve()

    def _more(self, model: _Loaded) -> None:
        """The other methods and the evidence that waiting examples ask for; what fails leaves the first maps."""
        explained = {one.item.place: one for one in model.waiting}
        try:
            subjects = {place: self._subject(one, model) for place, one in explained.items()}
            drawn = randomisations(subjects, model.company, self.budget)
        except Exception as error:
            failure = self._failure(error)
            for place, one in explained.items():
                self._done(place, model.index, _alone(one.result, failure), one.seconds)
            return
        finally:
            model.waiting.clear()
        computations = [(place, analyse(subject, drawn.get(place))) for place, subject in subjects.items()]
        for done in scheduling.run(computations, model.loaded, model.company, self.budget):
            one = explained[done.key]
            result = done.result if done.error is None else _alone(one.result, self._failure(done.error))
            self._done(done.key, model.index, result, one.seconds + done.seconds)

    def _subject(self, one: _Explained, model: _Loaded) -> Subject:
        example = one.item.example
        return Subject(
            example,
            one.result,
            model.task.functions(example, one.item.prepared, model.loaded.checkpoint, one.result),
            model.facts,
            self.methods,
            [*example.methods, *(method.name for method in self.custom)],
            self._failure,
            one.known,
        )

    def _said_of_memory(self) -> list[str]:
        if not self.budget.halved:
            return []
        text = "Memory ran out: batches were made smaller"
        return [f"{text}, down to {self.budget.tokens} tokens. No number depends on it."]

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
            inputs=example.model_dump(exclude_defaults=True) | {"model": example.model},
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
            self.budget.halve()
            return ExampleError(
                "Memory ran out on this example alone.", "Use a shorter text, a smaller model or another --device."
            )
        if isinstance(error, ExampleError):
            return error
        if self.debug:
            raise error
        first = without_paths(str(error).strip().partition("\n")[0]).rstrip(".")
        return ExampleError(f"{type(error).__name__}: {first}.", "Run again with --debug (debug=True) to see where.")


def _alone(result: ExampleResult, failure: ExampleError) -> ExampleResult:
    """The first maps, with a warning that there is no more."""
    said = f"Other methods and evidence could not be computed. {failure}"
    return result.model_copy(update={"warnings": [*result.warnings, said]})
