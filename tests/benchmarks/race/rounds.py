"""Contenders that take turns in one process, and what other programs took of the processors meanwhile."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

import torch
from torch import Tensor

QUIET = 0.25  # processors' worth of other programs that a sample bears, beyond those that it leaves free
PATIENCE = 6.0  # seconds that a sample waits for quiet before it begins anyway
ATTEMPTS = 2  # samples for each that is to count


@dataclass
class Answer:
    """The numbers that a contender computed, a tensor an example; and figures of its own, by name."""

    numbers: list[Tensor]
    figures: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Contender:
    """Something that is timed: `make` gets it ready, what it gives is timed.

    `bound` is the largest relative difference from the floor that its numbers may have; None where they are others,
    by their precision or by noise of their own. The fastest floor is what ratios are taken to.
    """

    name: str
    make: Callable[[], Callable[[], Answer]]
    floor: bool = False
    bound: float | None = None
    rounds: int | None = None  # fewer than the others, for what is slow and steady
    part: float = 1.0  # of the work that it does, the first of it, where all would take minutes; its time is scaled


@dataclass(frozen=True)
class Group:
    """Contenders for one piece of work; `size` units of it are done in a sample."""

    key: str
    title: str
    unit: str
    size: int
    contenders: list[Contender]


@dataclass(frozen=True)
class Sample:
    """Seconds of one turn, those of processors, and processors' worth of time that other programs took meanwhile.

    With one thread processor seconds hold still where seconds do not: another program's turn is not counted.
    """

    seconds: float
    processor: float
    foreign: float
    figures: dict[str, float]


@dataclass
class Times:
    """What a contender took: samples that count, samples left out, and how far its numbers are from the floor's."""

    samples: list[Sample]
    dropped: int
    difference: float | None = None

    @property
    def seconds(self) -> float:
        """The median."""
        return median(sample.seconds for sample in self.samples)

    @property
    def processor(self) -> float:
        """The median of processor seconds."""
        return median(sample.processor for sample in self.samples)

    @property
    def foreign(self) -> float:
        """The most that other programs took of a sample that counts."""
        return max(sample.foreign for sample in self.samples)

    @property
    def figures(self) -> dict[str, float]:
        """The medians of its own figures."""
        return {name: median(s.figures[name] for s in self.samples) for name in self.samples[0].figures}


def busy() -> float:
    """Seconds that all processors together have worked; a host that takes them away counts as work."""
    user, nice, system, _, _, irq, softirq, steal = map(int, Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def own() -> float:
    """Seconds of this process and of the children that it has waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def take(work: Callable[[], Answer], device: torch.device, patience: float = PATIENCE) -> tuple[Answer, Sample]:
    """One turn."""
    _wait_for_quiet(patience)
    torch.set_float32_matmul_precision("highest")  # whoever changes it does so in its own turn
    _finish(device)
    all_before, own_before, begun = busy(), own(), time.perf_counter()
    answer = work()
    _finish(device)
    seconds, processor = time.perf_counter() - begun, own() - own_before
    foreign = max(0.0, busy() - all_before - processor) / seconds
    return answer, Sample(seconds, processor, foreign, answer.figures)


def race(group: Group, rounds: int, device: torch.device, patience: float = PATIENCE) -> dict[str, Times]:
    """A turn each to compare the numbers, which also warms up; then rounds in which all take turns.

    Who has `rounds` quiet samples is done; there are at most `ATTEMPTS` times as many rounds.

    Raises:
        AssertionError: numbers that should be the floor's are not.
    """
    works = {contender.name: contender.make() for contender in group.contenders}
    differences = _compared(group, {name: work().numbers for name, work in works.items()})
    samples: dict[str, list[Sample]] = {name: [] for name in works}
    for _ in range(ATTEMPTS * rounds):
        for contender in group.contenders:
            taken, wanted = samples[contender.name], min(rounds, contender.rounds or rounds)
            if len(_quiet(taken)) < wanted and len(taken) < ATTEMPTS * wanted:
                one = take(works[contender.name], device, patience)[1]
                seconds, processor = one.seconds / contender.part, one.processor / contender.part
                taken.append(replace(one, seconds=seconds, processor=processor))
    return {name: kept(taken, differences[name]) for name, taken in samples.items()}


def relative(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> float:
    """‖ours − theirs‖ / ‖theirs‖ over all numbers."""
    one, two = (torch.cat([part.flatten() for part in parts]).double().cpu() for parts in (ours, theirs))
    return float((one - two).norm() / two.norm())


def _compared(group: Group, numbers: dict[str, list[Tensor]]) -> dict[str, float | None]:
    first = next(numbers[contender.name] for contender in group.contenders if contender.floor)
    found: dict[str, float | None] = {}
    for contender in group.contenders:
        given = numbers[contender.name]
        of = first[: round(contender.part * len(first))]
        comparable = bool(given) and [len(part) for part in given] == [len(part) for part in of]
        found[contender.name] = relative(given, of) if comparable else None
        if contender.bound is not None:
            off = found[contender.name]
            assert off is not None, f"{group.key}: {contender.name} gives other numbers than the floor"
            assert off <= contender.bound, f"{group.key}: {contender.name} is off by {off:.1e}"
    return found


def kept(samples: list[Sample], difference: float | None) -> Times:
    """The quiet samples, if at least half are; otherwise all."""
    quiet = _quiet(samples)
    chosen = quiet if ATTEMPTS * len(quiet) >= len(samples) else samples
    return Times(chosen, len(samples) - len(chosen), difference)


def _quiet(samples: Sequence[Sample]) -> list[Sample]:
    return [sample for sample in samples if sample.foreign <= bearable()]


def bearable() -> float:
    """Processors' worth of other programs beside which a sample counts."""
    return max(0, len(os.sched_getaffinity(0)) - torch.get_num_threads()) + QUIET


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _wait_for_quiet(patience: float) -> None:
    begun, look = time.perf_counter(), 0.3
    while time.perf_counter() - begun < patience:
        before = busy() - own()
        time.sleep(look)
        if (busy() - own() - before) / look <= bearable():
            return


def peak() -> float:
    """The most memory that this process has had, in megabytes: getrusage gives its parent's where that is larger."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def base(group: Group, times: dict[str, Times]) -> Times:
    """The fastest floor."""
    return min((times[c.name] for c in group.contenders if c.floor), key=lambda own: own.seconds)
