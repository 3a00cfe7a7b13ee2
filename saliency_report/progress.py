"""The bar of a run on standard error, and how fast it goes."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
)
from rich.table import Column
from rich.text import Text

if TYPE_CHECKING:
    from saliency_report.record import ExampleResult

WINDOW = 60.0  # seconds


@dataclass
class Pace:
    """What was done by when, and how fast it goes: results come in bursts, as their batch or window ends.

    So a rate is of all that came in the last minute, up to this moment and not up to the last result.
    """

    clock: Callable[[], float] = time.monotonic
    marks: deque[tuple[float, int, int]] = field(default_factory=deque)  # time, examples, tokens

    def __post_init__(self) -> None:
        self.marks.append((self.clock(), 0, 0))

    def add(self, tokens: int) -> None:
        """One more example of so many tokens."""
        _, examples, all_tokens = self.marks[-1]
        self.marks.append((self.clock(), examples + 1, all_tokens + tokens))

    def rates(self) -> tuple[float, float] | None:
        """Examples and tokens a second; None before anything is done."""
        now, (_, examples, tokens) = self.clock(), self.marks[-1]
        while len(self.marks) > 2 and self.marks[1][0] <= now - WINDOW:
            self.marks.popleft()
        begun, before, tokens_before = self.marks[0]
        seconds = now - begun
        return ((examples - before) / seconds, (tokens - tokens_before) / seconds) if examples and seconds else None


class Rate(ProgressColumn):
    """Examples and tokens a second, and the time that is left at that rate."""

    def __init__(self) -> None:
        super().__init__(Column(no_wrap=True))

    def render(self, task: Task) -> Text:
        """Nothing until something is done."""
        rates = task.fields["pace"].rates()
        if rates is None:
            return Text("")
        examples, tokens = rates
        shown = f"{examples:,.0f}" if examples >= 10 else f"{examples:.1f}" if examples >= 0.1 else f"{examples:.2f}"
        left = timedelta(seconds=math.ceil((task.remaining or 0) / examples))
        return Text(f"{shown} examples/s, {tokens:,.0f} tokens/s, {left} left", style="dim")


@contextmanager
def explaining(count: int) -> Iterator[Callable[[ExampleResult], None]]:
    """A bar of so many examples, where there is a terminal; each is told to it as it is done."""
    columns = (SpinnerColumn(), TextColumn("Explaining"), BarColumn(16), MofNCompleteColumn(), Rate())
    console, pace = Console(stderr=True), Pace()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("", total=count, pace=pace)

        def told(result: ExampleResult) -> None:
            pace.add(sum(len(e.tokens) for e in result.encodings))
            progress.update(bar, advance=1)

        yield told
