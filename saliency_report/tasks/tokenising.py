"""What a tokenizer makes of strings, and of each token which characters it stands for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from saliency_report.errors import ExampleError
from saliency_report.tasks.alignment import align


class Output(NamedTuple):
    """What a tokenizer gives: of each token its id, its piece, whether it was added, and (string, start, end)."""

    ids: list[int]
    pieces: list[str]
    added: list[bool]
    offsets: list[tuple[int, int, int] | None]
    extra: dict[str, list[int]]


def tokenised(tokenizer: Any, strings: Sequence[str], special: bool) -> Output:
    """One or two strings, with the tokens that the tokenizer puts around them where it is asked to.

    Raises:
        ExampleError: a tokenizer without offsets reads two strings otherwise than each by itself.
    """
    return (_fast if tokenizer.is_fast else _slow)(tokenizer, strings, special)


def _fast(tokenizer: Any, strings: Sequence[str], special: bool) -> Output:
    # verbose=False: the tokenizer's own warning about length is replaced by an error.
    output = tokenizer(
        *strings,
        add_special_tokens=special,
        return_offsets_mapping=True,
        return_special_tokens_mask=True,
        verbose=False,
    )
    encoding = output.encodings[0]
    offsets = [
        None if sequence is None or end <= start else (sequence, start, end)
        for sequence, (start, end) in zip(encoding.sequence_ids, output["offset_mapping"], strict=True)
    ]
    added = [bool(mask) for mask in output["special_tokens_mask"]]
    return Output(output["input_ids"], encoding.tokens, added, offsets, _types(output))


def _slow(tokenizer: Any, strings: Sequence[str], special: bool) -> Output:
    """Of a tokenizer without offsets, which are found by its pieces."""
    output = tokenizer(*strings, add_special_tokens=special, verbose=False)
    ids = output["input_ids"]
    pieces = [str(piece) for piece in tokenizer.convert_ids_to_tokens(ids)]
    offsets: list[tuple[int, int, int] | None] = [None] * len(ids)
    added, start = [True] * len(ids), 0
    for number, string in enumerate(strings):
        own = tokenizer(string, add_special_tokens=False, verbose=False)["input_ids"]
        found = next((i for i in range(start, len(ids) - len(own) + 1) if ids[i : i + len(own)] == own), None)
        if found is None:
            raise ExampleError(
                f"The tokenizer {type(tokenizer).__name__} does not say which characters a token stands for.",
                "Use a model with a fast tokenizer (tokenizer.json).",
            )
        start = found + len(own)
        added[found:start] = [False] * len(own)
        said = [str(piece) for piece in tokenizer.tokenize(string)]
        if list(tokenizer.convert_tokens_to_ids(said)) == own:
            pieces[found:start] = said  # which has what an unknown token stands for
        surfaces = [_surface(tokenizer, piece) for piece in pieces[found:start]]
        for place, span in enumerate(align(string, surfaces), found):
            offsets[place] = span and (number, *span)
    return Output(ids, pieces, added, offsets, _types(output))


def _surface(tokenizer: Any, piece: str) -> str:
    """What a token reads as; nothing of the unknown one, or of a part of a character."""
    if piece == tokenizer.unk_token:
        return ""
    text = str(tokenizer.convert_tokens_to_string([piece]))
    text = piece.replace("▁", " ") if "▁" in piece and "▁" not in text else text
    return text.removeprefix("##").removesuffix("@@").replace("\ufffd", "")


def _types(output: Any) -> dict[str, list[int]]:
    return {"token_type_ids": output["token_type_ids"]} if "token_type_ids" in output else {}
