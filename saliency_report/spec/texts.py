"""An example's own texts, and where the words that a person marked stand in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from saliency_report.spec.fields import Example

# What the model reads of an example, its first text first. The answers are left out: no choice is its own reason.
TEXT_FIELDS = {
    "text-classification": ("text", "text_pair"),
    "text-generation": ("prompt", "messages"),
    "multiple-choice": ("context", "question"),
    "fill-mask": ("text",),
    "text2text-generation": ("text",),
    "token-classification": ("text",),
    "question-answering": ("context", "question"),
    "sentence-similarity": ("text", "text_pair"),
    "zero-shot-classification": ("text",),
}


def own_texts(task: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """An example's own texts by where they stand: text, messages[1].content; its fields may be as they were written."""
    found = {name: fields[name] for name in TEXT_FIELDS[task] if fields.get(name) is not None}
    messages = found.pop("messages", None)
    for i, message in enumerate(messages if isinstance(messages, list) else []):
        for part in ("thinking", "content") if isinstance(message, dict) else ():
            if message.get(part) is not None:
                found[f"messages[{i}].{part}"] = message[part]
    return found


def rationale_spans(example: Example) -> list[tuple[str, int, int]]:
    """The marked words as (where, start, end), in code points of the text that stands there, in the texts' order.

    A pair counts in the first text. Words count wherever they occur, in every text.
    """
    texts = own_texts(example.task, example.model_dump(include={*TEXT_FIELDS[example.task]}))
    spans = []
    for mark in example.rationale or []:
        if isinstance(mark, str):
            spans += [(name, *span) for name, text in texts.items() for span in occurrences(mark, text)]
        else:
            spans.append((next(iter(texts)), mark[0], mark[1]))
    order = [*texts]
    return sorted(set(spans), key=lambda span: (order.index(span[0]), *span[1:]))


def occurrences(words: str, text: str) -> list[tuple[int, int]]:
    """Where words occur in a text; where that is inside other words (he in the) only if they stand nowhere else."""
    found = [(start, start + len(words)) for start in _starts(words, text)]
    return [span for span in found if not _cuts(text, *span)] or found


def _starts(words: str, text: str) -> Iterator[int]:
    start = text.find(words)
    while start >= 0:
        yield start
        start = text.find(words, start + 1)


def _cuts(text: str, start: int, end: int) -> bool:
    """Whether a span begins or ends inside a word."""
    return any(0 < cut < len(text) and text[cut - 1].isalnum() and text[cut].isalnum() for cut in (start, end))
