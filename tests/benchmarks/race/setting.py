"""What all cases share: device, precision, sizes of batches, and how equal numbers must be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from race import floors
from race.rounds import Answer, Contender
from race.subjects import Subject


@dataclass(frozen=True)
class Setting:
    """What all cases share."""

    snippets: Path
    folder: Path
    device: torch.device
    dtype: str
    few: bool = False
    with_inseq: bool = False

    @property
    def bound(self) -> float:
        """The largest relative difference that equal numbers have."""
        return 1e-5 if self.dtype == "float32" else 5e-2

    @property
    def some(self) -> int:
        """Texts where each takes long; more on a GPU, which a few do not fill."""
        return 3 if self.few else 8 if self.device.type == "cpu" else 64

    @property
    def snippets_at_once(self) -> int:
        """Texts of one gradient each."""
        return 64 if self.few else 256 if self.device.type == "cpu" else 4096

    @property
    def tokens(self) -> tuple[int, int, int]:
        """Padded tokens a batch that floors try."""
        return (256, 512, 1024) if self.device.type == "cpu" else (16_384, 32_768, 65_536)

    def exact(self, name: str, make: Callable[[], Callable[[], Answer]], rounds: int | None = None) -> Contender:
        """A contender that must give the floor's numbers."""
        return Contender(name, make, bound=self.bound, rounds=rounds)

    def floor(self, work: Callable[[int], list[Tensor]], tokens: Sequence[int] = ()) -> list[Contender]:
        """A floor in sizes of batch to try with the faster exact products, and with those that torch takes unasked."""
        fast = floors.fast_float32()
        made = [
            Contender(f"floor, {size:,} tokens a batch", timed(work, size, fast), True, self.bound)
            for size in tokens or self.tokens
        ]
        if fast != "highest":
            made.append(self.exact("floor, torch's default products", timed(work, self.tokens[0], "highest")))
        return made


def timed(work: Callable[[int], list[Tensor]], tokens: int, setting: str) -> Callable[[], Callable[[], Answer]]:
    """A floor as a contender makes it."""

    def run() -> Answer:
        with floors.products(setting):
            return Answer(work(tokens))

    return lambda: run


def models(s: Setting, subject: Subject) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """The frozen model, for floors, and the one that a user has; loaded where they are first needed."""
    return lambda: subject.model(s.device, s.dtype), lambda: subject.model(s.device, s.dtype, frozen=False)
