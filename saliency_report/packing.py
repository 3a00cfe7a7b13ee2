"""Which examples go into a batch together. Pure: knows lengths and budgets, no model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from saliency_report.errors import ExampleError
from saliency_report.load_errors import SAVE_TOKENIZER
from saliency_report.spec import Example
from saliency_report.tasks.base import Prepared

ROWS = {"sentence-similarity": "texts", "zero-shot-classification": "labels"}  # what the rows of an example are
# With which other examples one can share a batch without a change of its numbers.
Company = Literal["with any", "with equals", "with none"]


@dataclass
class Budget:
    """How many padded tokens go into a batch: as many as asked for, halved whenever memory runs out.

    `most` is what the device holds beside the model at hand, and goes with it: what batches the next one has does not
    depend on which were there before.
    """

    asked: int
    halved: bool = False
    most: int | None = None

    @property
    def tokens(self) -> int:
        """The number of the moment."""
        return min(self.asked, self.most or self.asked)

    def halve(self) -> None:
        """Go on with half as many."""
        self.asked = max(1, self.tokens // 2)
        self.halved = True


@dataclass
class Item:
    """An example between encoding and result."""

    place: int
    example: Example
    prepared: Prepared

    def size(self) -> tuple[int, int]:
        """Rows, and tokens of the longest: examples are packed in this order, so that little is padded."""
        return len(self.prepared.rows), self.prepared.length


def fitting(items: Sequence[Item], budget: int, company: Company) -> int:
    """How many of the examples, sorted by size, go into one batch of at most `budget` padded tokens; at least one."""
    count = 1
    while count < len(items) and company != "with none":
        rows, length = items[count].size()
        other = rows != items[0].size()[0] or (company == "with equals" and length != items[0].size()[1])
        if other or (count + 1) * rows * length > budget:
            break
        count += 1
    return count


def padded(items: Sequence[Item]) -> int:
    """The tokens of a batch, with what fills its rows up."""
    return sum(len(item.prepared.rows) for item in items) * max(item.prepared.length for item in items)


def batches(items: Sequence[Item], limit: Callable[[int], int], company: Company) -> Iterator[Sequence[Item]]:
    """The examples, sorted by size, as batches; `limit` gives the tokens of each from those of all."""
    start, total = 0, sum(padded([item]) for item in items)
    while start < len(items):
        left = items[start:]
        count = fitting(left, limit(total), company)
        yield left[:count]
        start += count


def warn_of_padding(items: Sequence[Item]) -> None:
    """The rows of an example, such as choices, are padded to the longest, whether it is neutral or not."""
    for item in items:
        if len({len(row) for row in item.prepared.rows}) > 1:
            item.prepared.warnings.append(
                f"Padding changes what this model answers, and the {ROWS.get(item.example.task, 'choices')} differ in "
                "length: the shorter ones' numbers depend on the longest."
            )


def warn_of_ids(items: Sequence[Item]) -> None:
    """A map is of word embeddings: what a model reads from the ids by another way is not in it."""
    for item in items:
        item.prepared.warnings.append(
            "This model looks each word up in a second place too. The maps show what a word does through its word "
            "embedding alone; what it does besides is not in them."
        )


def check_ids(prepared: Prepared, vocabulary: int) -> None:
    """Refuse ids that the model has no embedding for.

    Raises:
        ExampleError: the tokenizer is another model's.
    """
    highest = max(max(row.ids) for row in prepared.rows)
    if highest >= vocabulary:
        raise ExampleError(
            f"The tokenizer gives the id {highest}, the model knows {vocabulary} tokens: they do not belong together.",
            SAVE_TOKENIZER,
        )
