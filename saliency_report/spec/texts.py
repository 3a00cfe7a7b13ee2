"""An example's own texts, and where the words that a person marked stand in them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

# A place in a text of an example: where the text stands, and from which code point to which.
Span = tuple[str, int, int]
SPECIAL = "special"  # what names the special tokens in the place of a text


def own_texts(task: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """An example's own texts by where they stand: text, messages[1].content; its fields may be as they were written."""
    found = {name: fields[name] for name in TEXT_FIELDS[task] if fields.get(name) is not None}
    messages = found.pop("messages", None)
    for i, message in enumerate(messages if isinstance(messages, list) else []):
        for part in ("thinking", "content") if isinstance(message, dict) else ():
            if message.get(part) is not None:
                found[f"messages[{i}].{part}"] = message[part]
    return found


def rationale_spans(example: Example) -> list[Span]:
    """The marked words as (where, start, end), in code points of the text that stands there, in the texts' order.

    A pair counts in the first text. Words count wherever they occur, in every text.
    """
    texts = own_texts(example.task, example.model_dump(include={*TEXT_FIELDS[example.task]}))
    spans = [span for mark in example.rationale or [] for span in _marked(mark, texts)]
    order = [*texts]
    return sorted(set(spans), key=lambda span: (order.index(span[0]), *span[1:]))


def _marked(mark: str | list[int], texts: Mapping[str, str]) -> list[Span]:
    if isinstance(mark, str):
        return [(name, *span) for name, text in texts.items() for span in occurrences(mark, text)]
    return [(next(iter(texts)), mark[0], mark[1])]


def expression(part: str) -> re.Pattern[str] | None:
    """The regular expression that a part of a text is named by between slashes; none where it is named otherwise.

    Raises:
        re.error: it is not one.
    """
    return re.compile(part[1:-1]) if len(part) > 2 and part[0] == part[-1] == "/" else None


def part_spans(part: str, texts: Mapping[str, str]) -> list[Span]:
    """Where a part of the texts is: words, [start, end] in code points of the first text, or a /regular expression/."""
    if pattern := expression(part):
        return [(name, *m.span()) for name, text in texts.items() for m in pattern.finditer(text) if m.group()]
    if pair := re.fullmatch(r"\[ *(\d{1,9}) *, *(\d{1,9}) *\]", part):
        start, end = map(int, pair.groups())
        first = next(iter(texts.values()), "")
        return _marked([start, end], texts) if start < end <= len(first) else []
    return _marked(part, texts)


def whole_words(words: str, text: str) -> list[tuple[int, int]]:
    """Where words stand in a text as whole words of it, whatever their capitals and the white space between them."""
    from saliency_report.words import split_words  # the record, which the input needs for nothing else

    pattern = re.compile(r"\s+".join(map(re.escape, words.split())), re.IGNORECASE)
    found = [match.span() for match in pattern.finditer(text)]
    cut = split_words(text) if found else []
    starts, ends = {start for start, _ in cut}, {end for _, end in cut}
    return [(start, end) for start, end in found if start in starts and end in ends]


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
