"""A prompt as the model reads it: alone, through a chat template, or with a continuation that is given."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from saliency_report.errors import ExampleError
from saliency_report.record import Segment
from saliency_report.spec import TextGeneration
from saliency_report.tasks.base import Checkpoint, Prepared
from saliency_report.tasks.encoding import Row, build, check_length, check_shown, encode, is_special, unknown_warning
from saliency_report.tasks.generated import decode

_MARK = "\ue000"  # of the private use area: no template holds it


def prepare_prompt(example: TextGeneration, checkpoint: Checkpoint) -> Prepared:
    """The prompt's row; with `chat` it is a user's message inside the model's chat template.

    Raises:
        ExampleError: there is no chat template, or the prompt has no tokens.
    """
    tokenizer = checkpoint.tokenizer
    segments = _in_template(example, tokenizer) if example.chat else [Segment(name="prompt", text=example.prompt)]
    row, encoding = encode(
        tokenizer,
        segments,
        [[*range(len(segments))]],
        checkpoint.limit,
        separator="",
        add_special_tokens=not example.chat,  # a template brings its own
    )
    keep = len(row)
    while (
        not example.chat
        and keep > 1
        and encoding.tokens[keep - 1].special
        and encoding.tokens[keep - 1].segment is None
    ):
        keep -= 1  # some tokenizers end every text with </s>: nothing is to be continued after that
    check_shown(encoding)
    row = Row(row.ids[:keep])
    encoding = build(segments, encoding.tokens[:keep])
    return Prepared([row], [encoding], unknown_warning(tokenizer, encoding), known=keep)


def _in_template(example: TextGeneration, tokenizer: Any) -> list[Segment]:
    """The template's text before the prompt, the prompt, and the template's text after it."""
    if not tokenizer.chat_template:
        raise ExampleError(
            "chat: the tokenizer has no chat template.", "Leave `chat` out, or use a model that was trained to chat."
        )

    def filled(content: str) -> str:
        message = [{"role": "user", "content": content}]
        return str(tokenizer.apply_chat_template(message, tokenize=False, add_generation_prompt=True))

    # Found with a mark in its place: the template's own text may hold the same words, such as user.
    text, (before, _, after) = filled(example.prompt), filled(_MARK).partition(_MARK)
    candidates = (example.prompt, example.prompt.strip())  # some templates strip a message
    prompt = next((candidate for candidate in candidates if text == before + candidate + after), None)
    if prompt is None:
        raise ExampleError(
            "chat: the model's chat template changes the prompt, so it cannot be shown as it stands.",
            "Leave `chat` out and write the template's text into the prompt.",
        )
    parts = [("template", before), ("prompt", prompt), ("template", after)]
    return [Segment(name=name, text=part) for name, part in parts if part]


def with_continuation(example: TextGeneration, continuation: str, checkpoint: Checkpoint, prompt: Prepared) -> Prepared:
    """The row of prompt and continuation, whose first token is at `known`."""
    tokenizer, warnings = checkpoint.tokenizer, list(prompt.warnings)
    segments = [*prompt.encodings[0].segments, Segment(name="continuation", text=continuation)]
    known, last = len(prompt.rows[0]), len(segments) - 1
    row, encoding = encode(
        tokenizer,
        segments,
        [[*range(len(segments))]],
        checkpoint.limit,
        separator="",
        add_special_tokens=not example.chat,
    )
    if row.ids[:known] != prompt.rows[0].ids or any(t.segment not in (last, None) for t in encoding.tokens[known:]):
        # Tokenised together, prompt and continuation would share a token: the ids are joined instead.
        alone, shown = encode(tokenizer, segments[last:], [[0]], checkpoint.limit, add_special_tokens=False)
        tokens = [replace(t, segment=last if t.segment == 0 else None) for t in shown.tokens]
        row = Row(prompt.rows[0].ids + alone.ids)
        encoding = build(segments, [*prompt.encodings[0].tokens, *tokens])
        check_length(len(row), checkpoint.limit)
        warnings.append("The continuation was cut into tokens on its own: together with the prompt it would share one.")
        read = decode(tokenizer, [token for token in row.ids if not is_special(tokenizer, token)]).strip()
        if not example.chat and read != (example.prompt + continuation).strip():
            warnings.append(f"Joined so, the model reads {read!r}.")
    else:
        row, encoding = Row(row.ids), build(segments, encoding.tokens)
        if not example.chat and example.prompt[-1].isalnum() and continuation[0].isalnum():
            joined = f"{example.prompt.split()[-1]}{continuation.split()[0]}"
            warnings.append(f"The continuation follows without a space: the model reads {joined!r}.")
    keep = len(row)
    while keep > known and encoding.tokens[keep - 1].special and encoding.tokens[keep - 1].segment is None:
        keep -= 1
    encoding = build(segments, encoding.tokens[:keep])
    check_shown(encoding)
    return Prepared([Row(row.ids[:keep])], [encoding], warnings, known)
