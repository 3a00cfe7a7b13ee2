"""What generated ids read as: their text, where each stands in it, and a name for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from saliency_report.tasks.encoding import without_outer_space

_BLANKS = str.maketrans({" ": "␣", "\n": "↵", "\t": "⇥"})  # a target of mere space needs a name

WITHOUT_SPACES = 0x2E80  # from here on are the scripts whose words no space parts


def generated_spans(
    tokenizer: Any, prompt: Sequence[int], new: Sequence[int]
) -> tuple[str, list[tuple[int, int] | None]]:
    """The text of generated ids, and where in it each one stands.

    Decoded together with the prompt, since a decoder drops the space before the first word of a text. A character
    spread over several byte tokens belongs to each of them.
    """
    before = len(decode(tokenizer, prompt))
    spans: list[tuple[int, int] | None] = [None] * len(new)
    text, done = "", 0
    waiting: list[int] = []  # tokens whose character is not complete yet
    for i in range(len(new)):
        grown = decode(tokenizer, [*prompt, *new[: i + 1]])[before:]
        if grown == text and (not text.endswith("\ufffd") or tokenizer.convert_ids_to_tokens(new[i]) is None):
            continue  # an id that the decoder passes over
        text = grown
        waiting.append(i)
        whole = len(text.rstrip("\ufffd")) if i + 1 < len(new) else len(text)
        if whole > done:
            for token in waiting:
                spans[token] = without_outer_space(text, done, whole)
            done, waiting = whole, []
    return text, spans


def decode(tokenizer: Any, ids: Sequence[int]) -> str:
    """The text of ids, special tokens included."""
    return str(tokenizer.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False))


def token_label(tokenizer: Any, token: int) -> str:
    """A token as it reads after another one."""
    # After another token: a decoder drops the space before the first word, and "▁at" would look like "at".
    context = tokenizer("a", add_special_tokens=False).input_ids
    text = decode(tokenizer, [*context, token])[len(decode(tokenizer, context)) :]
    if not text or "\ufffd" in text:
        return piece(tokenizer, token)
    return text if text.strip() else text.translate(_BLANKS)


def word_label(tokenizer: Any, token: int) -> str:
    """A token as a word; one that goes on with the word before it has an ellipsis: …ing."""
    text = token_label(tokenizer, token)
    goes_on = text[0].isalnum() and ord(text[0]) < WITHOUT_SPACES
    return f"…{text}" if goes_on else text.strip() or text


def piece(tokenizer: Any, token: int) -> str:
    """A token as the tokenizer names it."""
    # Embeddings are often padded to a round number: such a row has logits, but no token has its id.
    return tokenizer.convert_ids_to_tokens(token) or f"<id {token}>"
