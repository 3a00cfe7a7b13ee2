"""One model at work on windows of examples; a process has one worker, and several may share a run.

A window is explained by itself: which examples share a batch depends on it and on nothing else. So the same windows
give the same numbers in one process and in many, and the examples that wait for their batch are no more than a window.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from saliency_report import engine, record, scheduling
from saliency_report.alone import Explained, Model
from saliency_report.analysis import Subject, analyse, randomisations
from saliency_report.errors import ExampleError
from saliency_report.first_maps import first_maps
from saliency_report.given import Given
from saliency_report.methods import METHODS, Method
from saliency_report.models import Loaded, load
from saliency_report.outcomes import Outcomes
from saliency_report.packing import Budget, Company, Item, check_ids, warn_of_ids, warn_of_padding
from saliency_report.record import ExampleResult
from saliency_report.sources import Request, request
from saliency_report.spec import Example, asks_for_more
from saliency_report.tasks import TASKS
from saliency_report.tasks.base import NOT_FINITE
from saliency_report.tasks.encoding import Row

# Examples of a window. Sorted by length, so many fill their batches with 2 % of padding; a long computation of each is
# worth cutting finer, so that several processes have something to share, and a run that is stopped has kept something:
# 30 reviews with all methods and tests take 145 s.
PLAIN, MORE, GENERATION = 512, 16, 8


@dataclass(frozen=True)
class Window:
    """Examples of one model and task, each with its place in the run; `group` counts models and tasks.

    Those `done` before are encoded once more but not explained.
    """

    group: int
    wanted: Request
    examples: Sequence[tuple[int, Example]]
    done: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Answer:
    """A result with its place, its model where that could be loaded, and the token budget after it.

    `halved` says that this was made smaller since memory ran out, and `closes` that of its window nothing is begun and
    not done: what follows does not depend on what was.
    """

    group: int
    place: int
    result: ExampleResult
    model: record.Model | None
    tokens: int
    closes: bool = False
    halved: bool = False


@dataclass(frozen=True)
class Setting:
    """What all windows of a run share."""

    folder: Path
    device: torch.device
    tokens: int = 0  # the budget of a batch; 0 is the device's own
    custom: Sequence[Method] = ()
    debug: bool = False
    given: Given | None = None  # a model that is there already, for the examples that name it

    @property
    def budget(self) -> int:
        """Tokens of a batch to begin with."""
        return self.tokens or engine.token_budget(self.device)


def windows(examples: Sequence[Example], dtype: str, *, more: bool) -> Iterator[Window]:
    """The examples of a run model by model, in the order in which these are first asked for.

    `more` says that each example has methods of one's own.
    """
    groups: dict[Request, list[tuple[int, Example]]] = {}
    for place, example in enumerate(examples):
        groups.setdefault(request(example, dtype), []).append((place, example))
    for group, (wanted, held) in enumerate(groups.items()):
        size = MORE if more or any(asks_for_more(example) for _, example in held) else PLAIN
        size = GENERATION if wanted.task in ("text-generation", "text2text-generation") else size
        for start in range(0, len(held), size):
            yield Window(group, wanted, held[start : start + size])


class Worker:
    """Explains windows; holds the model of the last one, and what it learned of the memory that there is."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.budget = Budget(setting.budget)
        self.methods = METHODS | {method.name: method for method in setting.custom}
        self.info: record.Model | None = None  # of the last window's model
        self._held: tuple[Request, Loaded | ExampleError] | None = None
        self.outcomes = Outcomes(self.budget, setting.debug)

    def explain(self, window: Window) -> Iterator[Answer]:
        """The results of a window, each as it is done."""
        self.info = None
        for nothing_waits in self._steps(window):
            ready = [(place, result) for place, result in self.outcomes.ready if place not in window.done]
            self.outcomes.ready.clear()
            for left, (place, result) in zip(range(len(ready))[::-1], ready, strict=True):
                closes = nothing_waits and not left
                yield Answer(window.group, place, result, self.info, self.budget.tokens, closes, self.budget.halved)
        engine.give_back_memory()

    def _steps(self, window: Window) -> Iterator[bool]:
        """Yields whenever something may be ready, and whether nothing is begun and not done."""
        try:
            loaded = self._load(window.wanted)
            self.budget.most = engine.affordable(loaded.model, self.setting.device)
            self.info = loaded.info
            items = list(self._prepared(window, loaded))
            company = self._check(items, loaded, 1 if loaded.choices else None)
        except Exception as error:
            failure = self.outcomes.failure(error)
            known = {place for place, _ in self.outcomes.ready}
            for place, example in window.examples:
                if place not in known:
                    self.outcomes.fail(place, example, failure)
            yield True
            return
        yield True  # those that could not be encoded
        items = [item for item in items if item.place not in window.done]
        model = Model(loaded, company, TASKS[window.wanted.task])
        for part in self._parts(items):
            for found in first_maps(part, model, self.outcomes):
                for one in found:
                    if one.result.maps and self._asks_for_more(one.item):
                        model.waiting.append(one)
                    else:
                        self.outcomes.done(one.item.place, one.result, one.seconds)
                found.clear()  # they would stay here while others are told
                yield not model.waiting
            if model.waiting:
                yield from self._more(model)

    def _parts(self, items: Sequence[Item]) -> Iterator[Sequence[Item]]:
        """The items, as many together as fill a batch where more is asked of any, so that their points share batches.

        The others of a window wait, so that a run that is stopped has kept what was done of it.
        """
        if not any(map(self._asks_for_more, items)):
            yield items
            return
        part: list[Item] = []
        for item in items:
            part.append(item)
            if sum(one.prepared.length for one in part) >= self.budget.tokens:
                yield part
                part = []
        if part:
            yield part

    def _asks_for_more(self, item: Item) -> bool:
        """Whether an example has more than its first maps."""
        return asks_for_more(item.example) or bool(self.setting.custom)

    def _load(self, wanted: Request) -> Loaded:
        """The model, the one at hand or else loaded in its place; what could not be loaded is not tried again."""
        if self._held is None or self._held[0] != wanted:
            self._held = None  # the memory of the one before
            try:
                given = self.setting.given
                self._held = (
                    wanted,
                    given.loaded(wanted)
                    if given and given.name == wanted.name
                    else load(wanted, self.setting.device, self.setting.folder),
                )
            except ExampleError as error:
                self._held = wanted, error
        found = self._held[1]
        if isinstance(found, ExampleError):
            raise found
        return found

    def _prepared(self, window: Window, loaded: Loaded) -> Sequence[Item]:
        """The examples that can be encoded, the shortest first."""
        items: list[Item] = []
        for place, example in window.examples:
            with self.outcomes.caught(place, example):
                prepared = TASKS[window.wanted.task].prepare(example, loaded.checkpoint)
                check_ids(prepared, loaded.vocabulary)
                items.append(Item(place, example, prepared))
        return sorted(items, key=Item.size)

    def _check(self, items: Sequence[Item], loaded: Loaded, groups: int | None) -> Company:
        """Refuse a model that is another one at the hook; say with which others its examples can be packed.

        The first example that the model can run decides: what one example alone cannot do is that example's failure.
        """
        for item in items:
            rows = item.prepared.rows[:4] if item.prepared.places else item.prepared.rows  # a few windows tell
            try:
                plain = engine.plain_logits(loaded, rows, groups)
                difference = engine.check_equivalence(loaded, rows, groups, plain)
                elsewhere = engine.ids_act_elsewhere(loaded, rows, groups, plain)
                company = company_of(loaded, rows, groups, plain)
            except Exception as error:
                alone = engine.is_out_of_memory(error) or getattr(error, "message", "") == NOT_FINITE
                if not alone:
                    raise
                continue
            self.info = loaded.info.model_copy(update={"equivalence": difference})
            if company != "with any":
                warn_of_padding(items)
            if elsewhere:
                warn_of_ids(items)
            return company
        return "with none"

    def _more(self, model: Model) -> Iterator[bool]:
        """The other methods and the evidence that waiting examples ask for; what fails leaves the first maps."""
        explained = {one.item.place: one for one in model.waiting}
        try:
            subjects = {place: self._subject(one, model) for place, one in explained.items()}
            drawn = randomisations(subjects, model.company, self.budget)
        except Exception as error:
            failure = self.outcomes.failure(error)
            for place, one in explained.items():
                self.outcomes.done(place, _alone(one.result, failure), one.seconds)
            yield True
            return
        finally:
            model.waiting.clear()
        computations = [(place, analyse(subject, drawn.get(place))) for place, subject in subjects.items()]
        for done in scheduling.run(computations, model.loaded, model.company, self.budget):
            one = explained[done.key]
            result = done.result if done.error is None else _alone(one.result, self.outcomes.failure(done.error))
            self.outcomes.done(done.key, result, one.seconds + done.seconds)
            del explained[done.key]
            yield not explained

    def _subject(self, one: Explained, model: Model) -> Subject:
        example = one.item.example
        return Subject(
            example,
            one.result,
            model.task.functions(example, one.item.prepared, model.loaded.checkpoint, one.result),
            model.facts,
            self.methods,
            [*example.methods, *(method.name for method in self.setting.custom)],
            self.outcomes.failure,
            one.known,
        )


def company_of(loaded: Loaded, rows: Sequence[Row], groups: int | None, plain: Tensor | None = None) -> Company:
    """With which others an example of a model can share a batch; `plain` are its rows' logits where they are known."""
    # GPT-2 with a classification head takes one row a batch then; what pools or chooses by itself asks for no padding.
    if loaded.pad is None and not loaded.checkpoint.pooling and not loaded.checkpoint.causal:
        return "with none"
    return "with any" if engine.padding_is_neutral(loaded, rows, groups, plain) else "with equals"


def _alone(result: ExampleResult, failure: ExampleError) -> ExampleResult:
    """The first maps, with a warning that there is no more."""
    said = f"Other methods and evidence could not be computed. {failure}"
    return result.model_copy(update={"warnings": [*result.warnings, said]})
