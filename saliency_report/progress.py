"""How fast a run goes, beside its bar."""

from __future__ import annotations

from rich.progress import ProgressColumn, Task
from rich.table import Column
from rich.text import Text


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
