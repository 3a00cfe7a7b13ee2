"""A prompt as the model reads it: alone, through a chat template, or with a continuation that is given."""

from __future__ import annotations

from dataclasses import replace

from saliency_report.record import Segment
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
    tokenizer = checkpoint.tokenizer
    segments = in_template(example, tokenizer) if _is_chat(example) else [Segment(name="prompt", text=_text(example))]
    row, encoding = encode(
        tokenizer,
        segments,
        [[*range(len(segments))]],
        checkpoint.limit,
        separator="",
        add_special_tokens=not _is_chat(example),  # a template brings its own
    )
    keep = len(row)
    while (
        not _is_chat(example)
        and keep > 1
        and encoding.tokens[keep - 1].special
        and encoding.tokens[keep - 1].segment is None
    ):
        keep -= 1  # some tokenizers end every text with </s>: nothing is to be continued after that
    check_shown(encoding)
    row = Row(row.ids[:keep])
    encoding = build(segments, encoding.tokens[:keep])
    return Prepared([row], [encoding], unknown_warning(tokenizer, encoding), known=keep)


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
        add_special_tokens=not _is_chat(example),
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
        if not _is_chat(example) and read != (_text(example) + continuation).strip():
            warnings.append(f"Joined so, the model reads {read!r}.")
    else:
        row, encoding = Row(row.ids), build(segments, encoding.tokens)
        if not _is_chat(example) and _text(example)[-1].isalnum() and continuation[0].isalnum():
            joined = f"{_text(example).split()[-1]}{continuation.split()[0]}"
            warnings.append(f"The continuation follows without a space: the model reads {joined!r}.")
    keep = len(row)
    while keep > known and encoding.tokens[keep - 1].special and encoding.tokens[keep - 1].segment is None:
        keep -= 1
    encoding = build(segments, encoding.tokens[:keep])
    check_shown(encoding)
    return Prepared([Row(row.ids[:keep])], [encoding], warnings, known)


def _is_chat(example: TextGeneration) -> bool:
    """Whether the model's chat template is used."""
    return example.chat or example.messages is not None


def _text(example: TextGeneration) -> str:
    """The prompt of an example that has one."""
    return example.prompt or ""
