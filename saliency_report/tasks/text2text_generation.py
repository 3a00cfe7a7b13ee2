"""Which words of a source, and which of what was written before, each token depends on that a model writes from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from saliency_report.errors import ExampleError
from saliency_report.record import Encoding, Segment, Token
from saliency_report.spec import Text2TextGeneration
from saliency_report.tasks.base import Checkpoint, Prepared
from saliency_report.tasks.encoding import Row, build, check_shown, encode, is_special, unknown_warning
from saliency_report.tasks.generated import generated_spans, piece
from saliency_report.tasks.text_generation import aimed, explain, explained, functions

__all__ = ["AUTO_CLASS", "CHOICES", "aim", "explain", "explained", "extend", "functions", "prepare"]

AUTO_CLASS = "AutoModelForSeq2SeqLM"
CHOICES = False


def prepare(example: Text2TextGeneration, checkpoint: Checkpoint) -> Prepared:
    """The row of the source and, behind it, of what the decoder begins with; then of a continuation that is given.

    Raises:
        ExampleError: the source has no tokens, or the model does not say what its decoder begins with.
    """
    source = Segment(name="source", text=example.text)
    row, encoding = encode(checkpoint.tokenizer, [source], [[0]], checkpoint.limit)
    check_shown(encoding)
    begin = _begin(checkpoint)
    tokens = [*encoding.tokens, *(_token(checkpoint, id, None, 0) for id in begin)]
    ids = [*row.ids, *begin]
    prepared = Prepared(
        [Row(ids, prefix=len(begin))],
        [build([source], tokens)],
        unknown_warning(checkpoint.tokenizer, encoding),
        known=len(ids),
    )
    if example.continuation is None:
        return prepared
    extended = extend(prepared, _written(example.continuation, checkpoint), checkpoint)
    segments = extended.encodings[0].segments
    read = segments[-1].text
    if read.strip() != example.continuation.strip():
        extended.warnings.append(f"Its tokens read {read!r}: the tokenizer does not keep the continuation as it is.")
    given = [*segments[:-1], segments[-1].model_copy(update={"generated": False})]
    shown = Encoding(segments=given, tokens=extended.encodings[0].tokens, words=extended.encodings[0].words)
    return Prepared(extended.rows, [shown], extended.warnings, extended.known)


def extend(prepared: Prepared, new: Sequence[int], checkpoint: Checkpoint) -> Prepared:
    """The row with the ids that were written, and their text and offsets.

    Raises:
        ExampleError: nothing was written.
    """
    row, encoding = prepared.rows[0], prepared.encodings[0]
    if not new:
        raise ExampleError(
            "The model ends its answer before it begins.", "Give a continuation to explain, or another source."
        )
    number, source = len(encoding.segments), len(row) - row.prefix
    text, spans = generated_spans(checkpoint.tokenizer, row.ids[source:], new)
    # What the decoder begins with stands before what is written, not at the end of the source.
    begin = [replace(token, segment=number, start=0, end=0) for token in encoding.tokens[source:]]
    tokens = [_token(checkpoint, id, span, number) for id, span in zip(new, spans, strict=True)]
    segments = [*encoding.segments, Segment(name="continuation", text=text, generated=True)]
    shown = build(segments, [*encoding.tokens[:source], *begin, *tokens])
    return Prepared([Row([*row.ids, *new], prefix=row.prefix + len(new))], [shown], prepared.warnings, prepared.known)


def aim(example: Text2TextGeneration, prepared: Prepared, checkpoint: Checkpoint) -> Prepared:
    """Decide which tokens are explained, and the foil's token where there is one."""
    if example.foil is None:
        return aimed(example, prepared)
    return aimed(example, prepared, [*prepared.rows[0].ids[: prepared.known], *_written(example.foil, checkpoint)])


def _begin(checkpoint: Checkpoint) -> list[int]:
    """What a decoder begins with: its first token and, in models of many languages, one that is forced after it."""
    config, generation = checkpoint.config, checkpoint.generation
    start = next(
        (id for of in (generation, config) for id in [getattr(of, "decoder_start_token_id", None)] if id is not None),
        getattr(config, "bos_token_id", None),
    )
    if start is None:
        raise ExampleError(
            "The model does not say which token its decoder begins with.",
            "Set decoder_start_token_id in its config.json, as it was trained.",
        )
    forced = getattr(generation, "forced_bos_token_id", None)
    return [int(start), *([] if forced is None else [int(forced)])]


def _written(text: str, checkpoint: Checkpoint) -> list[int]:
    """The ids of a text in the target's language, without the special tokens around it."""
    tokenizer: Any = checkpoint.tokenizer
    ids = tokenizer(text_target=text).input_ids
    while ids and is_special(tokenizer, ids[-1]):
        ids = ids[:-1]
    while ids and is_special(tokenizer, ids[0]):
        ids = ids[1:]
    if not ids:
        raise ExampleError(f"The text {text!r} has no tokens.", "Write a text that the model can read.")
    return [int(id) for id in ids]


def _token(checkpoint: Checkpoint, id: int, span: tuple[int, int] | None, segment: int) -> Token:
    return Token(
        text=piece(checkpoint.tokenizer, id),
        id=id,
        segment=None if span is None else segment,
        start=span and span[0],
        end=span and span[1],
        special=is_special(checkpoint.tokenizer, id),
    )
