"""Batches side by side: the numbers of batches alone, in the order of the input, and nothing left behind."""

from __future__ import annotations

import threading
import time
import types
import weakref
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import tiny
from conftest import Explain
from explaining import no_memory_for_two
from records import measured
from saliency_report import engine, scheduling
from saliency_report.engine import Job, Streams, device, streams
from saliency_report.errors import ExampleError
from saliency_report.models import Loaded, load
from saliency_report.packing import Budget
from saliency_report.record import Report
from saliency_report.scheduling import Ask, Question
from saliency_report.sources import Request
from saliency_report.tasks.encoding import Row
from saliency_report.tasks.target import TargetFunction

CPU = torch.device("cpu")
SENTENCES = ["The cat sat.", "A bad movie.", "She didn't like it; he loved it!", "It was bad, bad, bad.", "I loved it."]
PLAIN = "\n".join(f"- {{task: text-classification, model: bert, text: {text!r}}}" for text in SENTENCES)
MORE = "\n".join(
    f"- {{task: text-classification, model: bert, text: {text!r}, methods: [integrated_gradients, smoothgrad], "
    "samples: 3, faithfulness: true, randomisation: cascading}"
    for text in SENTENCES[2:4]
)
CHOICES = "\n".join(
    f"- {{task: multiple-choice, model: bert-choice, question: {text!r}, choices: [a cat, bad], foil: runner-up}}"
    for text in SENTENCES
)
GENERATION = "- {task: text-generation, model: llama, prompt: The cat sat on the mat., max_new_tokens: 9}"
CAUSAL = "- {task: multiple-choice, model: llama, question: What sat?, choices: [a cat, nobody at all, it was bad]}"


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Sets how many threads torch has; so few tokens as here fill batches of their own then."""
    monkeypatch.setattr(streams, "LEAST", 8)
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def _load(families: Path, model: str = "bert") -> Loaded:
    return load(Request("text-classification", model, None, "float64", False, False), CPU, families)


def _one(batch: object) -> int:
    return 1


def _untimed(report: Report) -> list[Any]:
    return [example.model_copy(update={"seconds": 0.0}) for example in report.examples]


@pytest.mark.parametrize(
    "text", [PLAIN, MORE, CHOICES, GENERATION, CAUSAL], ids=["plain", "more", "choices", "generation", "causal"]
)
def test_batches_side_by_side_have_the_numbers_of_batches_alone(
    text: str, explain: Explain, threads: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    pools: list[int] = []

    class Pool(ThreadPoolExecutor):
        def __init__(self, count: int) -> None:
            pools.append(count)
            super().__init__(count)

    monkeypatch.setattr(streams, "ThreadPoolExecutor", Pool)
    budget = 64 if text is CAUSAL else 512
    threads(1)
    alone = explain(text, dtype="float64", budget=budget)
    assert not pools
    threads(3)
    together = explain(text, dtype="float64", budget=budget)
    assert pools
    assert set(pools) <= {2, 3}
    assert torch.get_num_threads() == 3
    for ours, theirs in zip(together.examples, alone.examples, strict=True):
        assert ours.failure is None
        assert ours.warnings == theirs.warnings
        for own, other in zip(ours.maps, theirs.maps, strict=True):
            for name, values in other.scores.items():
                pairs = zip(own.scores[name], values, strict=True)
                assert all(a == b or a == pytest.approx(b, rel=1e-8, abs=1e-11) for a, b in pairs)
        if theirs.evidence:
            assert ours.evidence is not None
            mine, its = ours.evidence.randomisation, theirs.evidence.randomisation
            assert mine == its, "the weights drawn anew are those of the copies too"
            assert not isinstance(mine, str)
    assert _untimed(explain(text, dtype="float64", budget=budget)) == _untimed(together), "to the last digit, again"


@pytest.mark.parametrize("family", tiny.CLASSIFIERS)
def test_every_kind_of_model_can_be_computed_side_by_side(
    family: str, explain: Explain, threads: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = PLAIN.replace("model: bert", f"model: {family}")
    threads(1)
    alone = explain(text, dtype="float64")
    threads(3)
    copied: list[object] = []

    def counted(*given: Any) -> Any:
        copied.append(given)
        return deepcopy(*given)

    monkeypatch.setattr(streams, "deepcopy", counted)
    together = explain(text, dtype="float64")
    assert len(copied) >= 2
    for ours, theirs in zip(together.examples, alone.examples, strict=True):
        expected = measured(theirs.maps[0].scores["gradient_x_input"])
        assert measured(ours.maps[0].scores["gradient_x_input"]) == pytest.approx(expected, rel=1e-8, abs=1e-11)


def test_results_come_in_order_from_copies_that_share_the_weights(
    families: Path, threads: Callable[[int], None]
) -> None:
    threads(4)
    loaded, seen, meet = _load(families), list[Loaded](), threading.Barrier(2, timeout=30)

    def work(copy: Loaded, number: int) -> tuple[int, int]:
        seen.append(copy)
        if number < 2:
            meet.wait()  # ends only if two are computed at once
        return number, torch.get_num_threads()

    pool = Streams(loaded, 512)
    pool.count = 2
    found = [(batch, result()) for batch, result in pool.each(range(7), work, _one)]
    assert found == [(number, (number, 2)) for number in range(7)], "four threads are two for each of two"
    copies = {id(copy): copy for copy in seen}.values()
    assert len(copies) == 2
    for copy in copies:
        own, other = dict(copy.model.named_parameters()), dict(loaded.model.named_parameters())
        assert own.keys() == other.keys()
        assert all(own[name] is other[name] for name in own)
        assert copy.model is not loaded.model
        assert not set(copy.model.modules()) & set(loaded.model.modules())
        assert not any(module._forward_hooks or module._forward_pre_hooks for module in copy.model.modules())


def test_a_batch_that_is_alone_has_the_model_itself_and_all_threads(
    families: Path, threads: Callable[[int], None]
) -> None:
    threads(3)
    loaded = _load(families)

    def work(given: Loaded, number: int) -> tuple[bool, int]:
        return given is loaded, torch.get_num_threads()

    ((_, result),) = Streams(loaded, 512).each([0], work, _one)
    assert result() == (True, 3)


def test_what_a_batch_raises_is_its_own_and_an_end_before_the_last_leaves_nothing(
    families: Path, threads: Callable[[int], None]
) -> None:
    threads(2)
    begun: list[int] = []

    def work(given: Loaded, number: int) -> int:
        begun.append(number)
        if number == 1:
            raise ValueError("one")
        return number

    results = Streams(_load(families), 512).each(range(100), work, _one)
    assert next(results)[1]() == 0
    _, second = next(results)
    with pytest.raises(ValueError, match="one"):
        second()
    assert next(results)[1]() == 2
    assert torch.get_num_threads() == 1
    results.close()  # type: ignore[attr-defined]
    assert torch.get_num_threads() == 2
    assert len(begun) <= 8, "no more are begun than wait for a thread"
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ThreadPoolExecutor")]


@pytest.mark.parametrize("ahead", [False, True])
def test_a_batch_that_failed_holds_no_memory(
    ahead: bool, families: Path, threads: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    threads(1 if ahead else 2)
    if ahead:
        monkeypatch.setattr(streams, "AHEAD", {"cpu": 1})
    held: list[weakref.ref[torch.Tensor]] = []

    def work(given: Loaded, number: int) -> None:
        large = torch.ones(9)
        held.append(weakref.ref(large))
        raise torch.OutOfMemoryError("not enough memory")

    results = Streams(_load(families), 512).each(range(3), work, _one)
    _, first = next(results)
    with pytest.raises(torch.OutOfMemoryError):
        first()
    assert held
    assert held[0]() is None, "while the batch is tried again in halves"
    assert len(list(results)) == 2


def test_memory_that_runs_out_in_one_thread_halves_its_batch_alone(
    explain: Explain, threads: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    threads(1)
    calm = explain(PLAIN, dtype="float64")
    no_memory_for_two(monkeypatch)
    threads(2)
    squeezed = explain(PLAIN, dtype="float64")
    assert squeezed.warnings[0].startswith("Memory ran out: batches were made smaller")
    for ours, theirs in zip(squeezed.examples, calm.examples, strict=True):
        assert measured(ours.maps[0].scores["sum"]) == pytest.approx(measured(theirs.maps[0].scores["sum"]), rel=1e-8)


@pytest.mark.parametrize("count", [1, 2])
def test_of_an_ask_whose_jobs_fail_the_first_failure_is_told(
    count: int, families: Path, threads: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    threads(count)
    loaded = _load(families)

    def failing(given: Loaded, jobs: Sequence[Job], **options: Any) -> Any:
        raise ExampleError(f"{len(jobs[0].function.rows[0])} tokens")

    monkeypatch.setattr(engine, "evaluate", failing)
    functions = [TargetFunction([Row([5] * t)], [range(t)], lambda logits: logits[:, 0, 0]) for t in (9, 8)]

    def asked() -> Generator[Question, Any, None]:
        yield Ask([Job(function) for function in functions], gradient=True)

    (done,) = scheduling.run([(0, asked())], loaded, "with none", Budget(512))
    assert str(done.error).startswith("8 tokens"), "the shortest is first"


def test_models_whose_passes_may_share_something_have_one_batch_at_a_time(
    families: Path, threads: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    threads(4)
    loaded = _load(families)
    model: Any = loaded.model
    assert Streams(loaded, 512).count == 4
    assert Streams(replace(loaded, info=loaded.info.model_copy(update={"bits": 4})), 512).count == 1
    left = 1000 * device.left_behind(model)
    monkeypatch.setattr(streams, "MEMORY", 3.5 * left)
    assert Streams(loaded, 1000).count == 3, "as many as the memory holds"
    monkeypatch.setattr(streams, "MEMORY", left / 2)
    assert Streams(loaded, 1000).count == 1
    monkeypatch.undo()
    for kind in streams.DRAWN:
        monkeypatch.setattr(model.config, "model_type", kind)
        assert Streams(loaded, 512).count == 1
        monkeypatch.undo()
    layer = model.bert.encoder.layer[0]
    layer.forward = types.MethodType(type(layer).forward, layer)
    assert Streams(loaded, 512).count == 1, "a forward of the object's own"
    del layer.forward
    assert Streams(loaded, 512).count == 4
    foreign = type("Foreign", (type(model),), {"__module__": "transformers_modules.some"})
    model.__class__ = foreign
    assert Streams(loaded, 512).count == 1, "code that is not that of transformers"


def test_passes_of_many_tokens_wait_for_room(
    families: Path, threads: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    threads(3)
    loaded = _load(families)
    monkeypatch.setattr(streams, "MEMORY", 3 * 100 * device.left_behind(loaded.model))
    sizes, held, most = [100, 100, 100, 250, 100, 200, 900, 50], list[int](), list[int]()

    def work(given: Loaded, size: int) -> int:
        held.append(size)
        most.append(sum(held))
        time.sleep(0.02)
        held.remove(size)
        return size

    pool = Streams(loaded, 100)
    assert pool.count == 3
    assert [result() for _, result in pool.each(sizes, work, lambda size: size)] == sizes
    assert max(total for total in most if total != 900) <= 300
    assert 900 in most, "one that no room would do for goes by itself"
    assert max(most) == 900


def test_a_model_that_cannot_be_copied_has_one_batch_at_a_time(families: Path, threads: Callable[[int], None]) -> None:
    threads(2)
    loaded = _load(families)
    loaded.model.lock = threading.Lock()  # type: ignore[assignment]
    found = [result() for _, result in Streams(loaded, 512).each(range(3), lambda given, _: given is loaded, _one)]
    assert found == [True] * 3


@pytest.mark.parametrize(
    ("total", "limit", "expected"),
    [
        (1000, 512, 250),  # four batches, one for each thread
        (2048, 512, 512),
        (2049, 512, 257),  # eight
        (300, 512, 150),  # two of at least 128
        (255, 512, 512),  # one
        (100_000, 512, 511),  # 49 for each
        (1000, 100, 84),  # three for each
    ],
)
def test_shares_keep_all_threads_at_work(
    total: int,
    limit: int,
    expected: int,
    families: Path,
    threads: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streams, "LEAST", 128)
    threads(4)
    assert Streams(_load(families), 512).share(total, limit) == expected
    threads(1)
    assert Streams(_load(families), 512).share(total, limit) == limit
