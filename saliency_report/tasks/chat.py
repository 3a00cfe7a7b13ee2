"""Messages as a chat template writes them: which part of its text each one is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from jinja2 import TemplateError

from saliency_report.errors import ExampleError
from saliency_report.record import Segment
from saliency_report.spec import TextGeneration

_FIRST_MARK = 0xF0000  # a plane of private use: no template holds its characters
_MARKS = re.compile("([\U000f0000-\U000ffffd])")


def in_template(example: TextGeneration, tokenizer: Any) -> list[Segment]:
    """The conversation as the template writes it: what is said, and the template's own text around it.

    With `chat` it is one message of the user, the prompt. What is said may stand there without its outer blanks, which
    some templates strip, and in another order.

    Raises:
        ExampleError: there is no template, it refuses the messages, or it leaves out or changes what they say.
    """
    field, other = ("messages", "Write a `prompt`") if example.messages else ("chat", "Leave `chat` out")
    if not tokenizer.chat_template:
        raise ExampleError(
            f"{field}: the tokenizer has no chat template.", f"{other}, or use a model that was trained to chat."
        )
    said = _said(example)
    # Found with a mark in the place of each: the template, or another message, may hold the same words.
    parts = _MARKS.split(_filled(example, tokenizer, [chr(_FIRST_MARK + i) for i in range(len(said))]))
    order, around = [ord(mark) - _FIRST_MARK for mark in parts[1::2]], parts[::2]
    for i, segment in enumerate(said):
        if order.count(i) != 1:
            what = "it" if segment.field else "the prompt"
            how = f"leaves {what} out" if i not in order else f"writes {what} more than once"
            raise ExampleError(
                f"{segment.field or field}: the model's chat template {how}.",
                "Say it in another message, or leave it out." if segment.field else "Leave `chat` out.",
            )
    text = _filled(example, tokenizer, [segment.text for segment in said])
    if example.messages and example.messages[-1].role == "assistant":
        if order[-1] != len(said) - 1:
            raise ExampleError(
                "messages: the last message is the assistant's, and the model's chat template does not end with it.",
                "End with a message of another role, and write what the assistant says as `continuation`.",
            )
        text, around[-1] = text.removesuffix(around[-1]), ""
    found = _written(text, around, [said[i].text for i in order])
    if found is None:
        raise ExampleError(
            f"{field}: the model's chat template changes {'what they say' if example.messages else 'the prompt'}, "
            "so it cannot be shown as it stands.",
            "Write a `prompt` that holds the template's text."
            if example.messages
            else "Leave `chat` out and write the template's text into the prompt.",
        )
    segments = [Segment(name="template", text=around[0])]
    for i, shown, after in zip(order, found, around[1:], strict=True):
        segments += [said[i].model_copy(update={"text": shown}), Segment(name="template", text=after)]
    return [segment for segment in segments if segment.text]


def _said(example: TextGeneration) -> list[Segment]:
    """What the messages say, with the role as name."""
    if not example.messages:
        return [Segment(name="prompt", text=example.prompt or "")]
    said = []
    for i, message in enumerate(example.messages):
        if message.thinking is not None:
            said.append(Segment(name="thinking", text=message.thinking, field=f"messages[{i}].thinking"))
        said.append(Segment(name=message.role, text=message.content, field=f"messages[{i}].content"))
    return said


def _filled(example: TextGeneration, tokenizer: Any, texts: Sequence[str]) -> str:
    """The template's text with these in the places of what is said.

    Raises:
        ExampleError: the template refuses the messages.
    """
    rest, messages = iter(texts), []
    for message in example.messages or []:
        # Templates know the thoughts by one of two names.
        thoughts = {} if message.thinking is None else dict.fromkeys(("reasoning_content", "thinking"), next(rest))
        messages.append({"role": message.role, **thoughts, "content": next(rest)})
    messages = messages or [{"role": "user", "content": next(rest)}]
    try:
        return str(
            tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=messages[-1]["role"] != "assistant"
            )
        )
    except (TemplateError, ValueError) as error:
        reason = " ".join(str(error).split()).rstrip(".")[:200]
        what = "these messages" if example.messages else "the prompt"
        raise ExampleError(
            f"The model's chat template refuses {what}: {reason}.",
            "Use the roles and the order that the model was trained with; what a system message says can stand in the "
            "first message of the user."
            if example.messages
            else "Leave `chat` out and write the template's text into the prompt.",
        ) from error


def _written(text: str, around: Sequence[str], texts: Sequence[str]) -> list[str] | None:
    """Each text as it stands between the template's own, stripped or not; None where it does not stand there."""
    reached: dict[int, list[str]] = {len(around[0]): []} if text.startswith(around[0]) else {}
    for said, after in zip(texts, around[1:], strict=True):
        grown: dict[int, list[str]] = {}
        for start, found in reached.items():
            for candidate in (said, said.strip(), said.lstrip(), said.rstrip()):
                if text.startswith(candidate + after, start):
                    grown.setdefault(start + len(candidate + after), [*found, candidate])
        reached = grown
    return reached.get(len(text))
