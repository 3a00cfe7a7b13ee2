"""The bar of a run on standard error, and how fast it goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

if TYPE_CHECKING:
    from saliency_report.record import ExampleResult


class Rate(ProgressColumn):
    """Examples and tokens a second over the last half minute; of the tokens, as many an example as all so far had."""

    def __init__(self) -> None:
        super().__init__(Column(no_wrap=True))

    def render(self, task: Task) -> Text:
        """Nothing until something is done."""
        if not task.speed or not task.completed:
            return Text("")
        tokens = task.speed * task.fields["tokens"] / task.completed
        examples = f"{task.speed:,.0f}" if task.speed >= 10 else f"{task.speed:.1f}"
        return Text(f"{examples} examples/s, {tokens:,.0f} tokens/s", style="dim")


@contextmanager
def explaining(count: int) -> Iterator[Callable[[ExampleResult], None]]:
    """A bar of so many examples, where there is a terminal; each is told to it as it is done."""
    columns = (TextColumn("Explaining"), BarColumn(16), MofNCompleteColumn(), Rate(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("", total=count, tokens=0)

        def told(result: ExampleResult) -> None:
            tokens = progress.tasks[bar].fields["tokens"] + sum(len(e.tokens) for e in result.encodings)
            progress.update(bar, advance=1, tokens=tokens)

        yield told
