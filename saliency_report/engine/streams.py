"""Batches of one model side by side: on a CPU a batch has one thread, and as many are computed as there are threads.

The products of a few hundred tokens are too small for several threads, and what lies between them runs on one anyway:
on two cores two batches, each on one thread, take 0.74 to 0.79 of the time of one after the other on both (a MiniLM;
0.93 of it for DistilBERT in float32, 0.72 in bfloat16).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from functools import partial
from itertools import chain, islice
from queue import SimpleQueue
from threading import Condition
from traceback import clear_frames
from typing import Any, TypeVar

import torch

from saliency_report.engine.device import device_of, left_behind
from saliency_report.models import Loaded

Batch = TypeVar("Batch")
Result = TypeVar("Result")

LEAST = 128  # padded tokens of a batch below which launching its products costs more than a second thread gives
MEMORY = 4 * 2**30  # bytes that the batches of all threads may leave for their backward passes together
AHEAD = {"cuda": 1}  # batches that a device is given before the one before them is taken
# Their attention or their hashing is drawn from the generator of the process, which threads would take from each other.
DRAWN = frozenset({"big_bird", "bigbird_pegasus", "reformer"})


class Streams:
    """The batches of a model with weights that stay; each thread has a copy of its modules, with the same weights.

    `tokens` is how many a batch has at most. A batch that is alone has all threads, as every batch has of models
    whose code is not that of transformers: what their passes share is not known.
    """

    def __init__(self, loaded: Loaded, tokens: int) -> None:
        self._loaded = loaded
        self._copies: SimpleQueue[Loaded] = SimpleQueue()
        self._made = 0
        self._room = Room(int(MEMORY / left_behind(loaded.model)))
        self.count = _count(loaded, self._room.tokens // tokens)

    def share(self, total: int, limit: int) -> int:
        """The tokens of a batch, at most `limit`, with which a total keeps all threads at work to its end."""
        return shared(total, limit, self.count)

    def each(
        self, batches: Iterable[Batch], work: Callable[[Loaded, Batch], Result], size: Callable[[Batch], int]
    ) -> Iterator[tuple[Batch, Callable[[], Result]]]:
        """Each batch, in order, with a function that gives what the work on it gave, or raises what it raised.

        `size` says how many tokens a batch has in one pass: one that has many, a long text, waits for room.
        """
        batches = iter(batches)
        first = list(islice(batches, self.count))
        copies = min(self.count, len(first))

        def passed(batch: Batch) -> Result:
            copy = self._copies.get()
            try:
                with self._room.taken(size(batch)):
                    return work(copy, batch)
            finally:
                self._copies.put(copy)

        if copies > 1 and self._copy(copies):
            return side_by_side(copies, chain(first, batches), passed)
        ahead = AHEAD.get(device_of(self._loaded.model).type, 0)
        return side_by_side(1, chain(first, batches), partial(work, self._loaded), ahead)

    def _copy(self, count: int) -> bool:
        """Have so many copies; a model that cannot be copied has none."""
        try:
            while self._made < count:
                weights: dict[int, Any] = {id(p): p for p in self._loaded.model.parameters()}
                self._copies.put(replace(self._loaded, model=deepcopy(self._loaded.model, weights)))
                self._made += 1
        except Exception:  # of modules that hold what Python cannot copy, such as a lock
            self.count = 1
        return self._made >= count


class Room:
    """How many tokens may be in passes at a time; one pass always may."""

    def __init__(self, tokens: int) -> None:
        self.tokens, self._taken, self._changed = tokens, 0, Condition()

    @contextmanager
    def taken(self, tokens: int) -> Iterator[None]:
        """Inside, so many have their room; before, their turn is waited for."""
        with self._changed:
            self._changed.wait_for(lambda: not self._taken or self._taken + tokens <= self.tokens)
            self._taken += tokens
        try:
            yield
        finally:
            with self._changed:
                self._taken -= tokens
                self._changed.notify_all()


def shared(total: int, limit: int, count: int) -> int:
    """The tokens of a batch, at most `limit`, with which a total keeps so many threads at work to its end."""
    count = min(count, total // LEAST)
    return limit if count < 2 else -(-total // (count * -(-total // (count * limit))))


def side_by_side(
    count: int, batches: Iterable[Batch], work: Callable[[Batch], Result], ahead: int = 0
) -> Iterator[tuple[Batch, Callable[[], Result]]]:
    """Work on batches on so many threads, each of which has its share of those that torch has here; in order.

    One thread is this one, which works on a batch when its result is asked for, or on so many `ahead` before.
    """
    if count > 1:
        with _threads(count, work) as begin:
            yield from _in_order(batches, begin, 2 * count)  # so that no thread waits while a result is taken
    elif ahead:
        yield from _in_order(batches, partial(_done, work), ahead)
    else:
        yield from ((batch, partial(work, batch)) for batch in batches)


def _in_order(
    batches: Iterable[Batch], begin: Callable[[Batch], Callable[[], Result]], ahead: int
) -> Iterator[tuple[Batch, Callable[[], Result]]]:
    """Each batch with its result, while so many after it are begun."""
    begun: deque[tuple[Batch, Callable[[], Result]]] = deque()
    for batch in batches:
        begun.append((batch, begin(batch)))
        if len(begun) > ahead:
            yield begun.popleft()
    while begun:
        yield begun.popleft()


@contextmanager
def _threads(count: int, work: Callable[[Batch], Result]) -> Iterator[Callable[[Batch], Callable[[], Result]]]:
    """So many threads, as a function that begins the work on a batch; on the way out what waits is dropped."""
    threads = torch.get_num_threads()

    def passed(batch: Batch) -> Result:
        torch.set_num_threads(threads // count)
        return _let_go(work, batch)

    pool = ThreadPoolExecutor(count)
    torch.set_num_threads(threads // count)  # MKL has one number for all threads
    try:
        yield lambda batch: pool.submit(passed, batch).result
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)


def _count(loaded: Loaded, most: int) -> int:
    """How many batches may be computed side by side, of which memory has room for so many."""
    model: Any = loaded.model
    known = type(model).__module__.startswith("transformers.models.") and model.config.model_type not in DRAWN
    # A forward that an object has of its own may close over the modules that it was made for.
    moved = hasattr(model, "hf_device_map") or any("forward" in vars(module) for module in model.modules())
    if device_of(model).type != "cpu" or not known or moved or loaded.info.bits is not None:
        return 1
    return max(1, min(torch.get_num_threads(), most))


def _done(work: Callable[[Batch], Result], batch: Batch) -> Callable[[], Result]:
    """Work on a batch now; gives what that gave, or raises what it raised."""
    done: Future[Result] = Future()
    try:
        done.set_result(_let_go(work, batch))
    except Exception as error:
        done.set_exception(error)
    return done.result


def _let_go(work: Callable[[Batch], Result], batch: Batch) -> Result:
    """Work on a batch; what that held when it failed, most of the memory, does not stay with the exception."""
    try:
        return work(batch)
    except Exception as error:
        clear_frames(error.__traceback__)
        raise
