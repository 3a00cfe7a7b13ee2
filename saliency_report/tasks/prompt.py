"""A prompt as the model reads it: alone, through a chat template, or with a continuation that is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from saliency_report.record import Encoding, Segment
from saliency_report.spec import TextGeneration
from saliency_report.tasks.base import Checkpoint, Prepared
from saliency_report.tasks.chat import in_template
from saliency_report.tasks.encoding import Row, build, check_length, check_shown, encode, is_special, unknown_warning
from saliency_report.tasks.generated import decode


def prepare_prompt(example: TextGeneration, checkpoint: Checkpoint) -> Prepared:
    """The row of the prompt, or of messages inside the model's chat template.

    Raises:
        ExampleError: there is no chat template that writes the messages as they are, or one of them has no tokens.
    """
    if _is_chat(example):
        return begun(in_template(example, checkpoint.tokenizer), checkpoint, add_special_tokens=False)
    return begun([Segment(name="prompt", text=_text(example))], checkpoint)


def begun(segments: Sequence[Segment], checkpoint: Checkpoint, *, add_special_tokens: bool = True) -> Prepared:
    """The row of segments, one after the other, that something is to follow.

    Raises:
        ExampleError: a segment has no tokens, or the text is longer than the model takes.
    """
    row, encoding = _encoded(segments, checkpoint, add_special_tokens)
    # Some tokenizers end every text with </s>: nothing is to be continued after that.
    keep = _without_end(encoding, 1) if add_special_tokens else len(row)
    row, encoding = Row(row.ids[:keep]), build(segments, encoding.tokens[:keep])
    check_shown(encoding)
    return Prepared([row], [encoding], unknown_warning(checkpoint.tokenizer, encoding), known=keep)


def followed(
    prompt: Prepared, following: Segment, checkpoint: Checkpoint, *, add_special_tokens: bool = True
) -> tuple[Prepared, bool]:
    """The row of a prompt and what follows it, whose first token is at `known`; whether that was cut into tokens alone.

    Raises:
        ExampleError: what follows has no tokens, or the text is longer than the model takes.
    """
    segments = [*prompt.encodings[0].segments, following]
    known, last = len(prompt.rows[0]), len(segments) - 1
    row, encoding = _encoded(segments, checkpoint, add_special_tokens)
    apart = row.ids[:known] != prompt.rows[0].ids or any(t.segment not in (last, None) for t in encoding.tokens[known:])
    if apart:
        # Tokenised together, prompt and continuation would share a token: the ids are joined instead.
        alone, shown = encode(checkpoint.tokenizer, segments[last:], [[0]], checkpoint.limit, add_special_tokens=False)
        tokens = [replace(t, segment=last if t.segment == 0 else None) for t in shown.tokens]
        row = Row(prompt.rows[0].ids + alone.ids)
        encoding = build(segments, [*prompt.encodings[0].tokens, *tokens])
        check_length(len(row), checkpoint.limit)
    keep = _without_end(encoding, known)
    encoding = build(segments, encoding.tokens[:keep])
    check_shown(encoding)
    return Prepared([Row(row.ids[:keep])], [encoding], list(prompt.warnings), known), apart


def with_continuation(example: TextGeneration, continuation: str, checkpoint: Checkpoint, prompt: Prepared) -> Prepared:
    """The row of prompt and continuation, whose first token is at `known`."""
    tokenizer, is_chat, text = checkpoint.tokenizer, _is_chat(example), _text(example)
    segment = Segment(name="continuation", text=continuation)
    prepared, apart = followed(prompt, segment, checkpoint, add_special_tokens=not is_chat)
    if apart:
        prepared.warnings.append(
            "The continuation was cut into tokens on its own: together with the prompt it would share one."
        )
        read = decode(tokenizer, [id for id in prepared.rows[0].ids if not is_special(tokenizer, id)]).strip()
        if not is_chat and read != (text + continuation).strip():
            prepared.warnings.append(f"Joined so, the model reads {read!r}.")
    elif not is_chat and text[-1].isalnum() and continuation[0].isalnum():
        joined = f"{text.split()[-1]}{continuation.split()[0]}"
        prepared.warnings.append(f"The continuation follows without a space: the model reads {joined!r}.")
    return prepared


def _encoded(segments: Sequence[Segment], checkpoint: Checkpoint, add_special_tokens: bool) -> tuple[Row, Encoding]:
    """Segments as one string, without a separator."""
    return encode(
        checkpoint.tokenizer,
        segments,
        [[*range(len(segments))]],
        checkpoint.limit,
        separator="",
        add_special_tokens=add_special_tokens,
    )


def _without_end(encoding: Encoding, least: int) -> int:
    """How many tokens there are before the special ones that the tokenizer adds at the end, at least so many."""
    keep = len(encoding.tokens)
    while keep > least and encoding.tokens[keep - 1].special and encoding.tokens[keep - 1].segment is None:
        keep -= 1
    return keep


def _is_chat(example: TextGeneration) -> bool:
    """Whether the model's chat template is used."""
    return example.chat or example.messages is not None


def _text(example: TextGeneration) -> str:
    """The prompt of an example that has one."""
    return example.prompt or ""
