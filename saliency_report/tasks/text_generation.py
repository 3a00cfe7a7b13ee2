"""Which earlier tokens each generated token depends on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from torch import Tensor

from saliency_report.errors import ExampleError
from saliency_report.record import ExampleResult, Map, Outcome, Prediction, Segment, Target, Token
from saliency_report.spec import TextGeneration
from saliency_report.tasks.base import Checkpoint, Prepared, make_map, numbers, stated
from saliency_report.tasks.encoding import (
    Row,
    build,
    check_length,
    check_shown,
    encode,
    is_special,
    unknown_warning,
    without_outer_space,
)

AUTO_CLASS = "AutoModelForCausalLM"
CHOICES = False
ALTERNATIVES = 5
TIE = 0.05  # relative; bfloat16 rounds logits to 0.4 %, and a batch of tokens rounds elsewhere than one by one
_BLANKS = str.maketrans({" ": "␣", "\n": "↵", "\t": "⇥"})  # a target of mere space needs a name


def prepare(example: TextGeneration, checkpoint: Checkpoint) -> Prepared:
    """The prompt's row; with a continuation to explain, the row of both."""
    tokenizer = checkpoint.tokenizer
    prompt = Segment(name="prompt", text=example.prompt)
    row, encoding = encode(tokenizer, [prompt], [[0]], checkpoint.limit)
    keep = len(row)
    while keep > 1 and encoding.tokens[keep - 1].special and encoding.tokens[keep - 1].segment is None:
        keep -= 1  # some tokenizers end every text with </s>: nothing is to be continued after that
    check_shown(encoding)
    row = Row(row.ids[:keep])
    encoding = build([prompt], encoding.tokens[:keep])
    prepared = Prepared([row], [encoding], unknown_warning(tokenizer, encoding), known=keep)
    if example.continuation is not None:
        return _with_continuation(example, example.continuation, checkpoint, prepared)
    check_length(len(row) + example.max_new_tokens, checkpoint.limit)
    return prepared


def _with_continuation(
    example: TextGeneration, continuation: str, checkpoint: Checkpoint, prompt: Prepared
) -> Prepared:
    tokenizer, warnings = checkpoint.tokenizer, list(prompt.warnings)
    segments = [*prompt.encodings[0].segments, Segment(name="continuation", text=continuation)]
    known = len(prompt.rows[0])
    row, encoding = encode(tokenizer, segments, [[0, 1]], checkpoint.limit, separator="")
    if row.ids[:known] != prompt.rows[0].ids or any(t.segment == 0 for t in encoding.tokens[known:]):
        # Tokenised together, prompt and continuation would share a token: the ids are joined instead.
        alone, shown = encode(tokenizer, segments[1:], [[0]], checkpoint.limit, add_special_tokens=False)
        tokens = [t.model_copy(update={"segment": 1 if t.segment == 0 else None}) for t in shown.tokens]
        row = Row(prompt.rows[0].ids + alone.ids)
        encoding = build(segments, [*prompt.encodings[0].tokens, *tokens])
        check_length(len(row), checkpoint.limit)
        warnings.append("The continuation was cut into tokens on its own: together with the prompt it would share one.")
        read = _decode(tokenizer, [token for token in row.ids if not is_special(tokenizer, token)]).strip()
        if read != (example.prompt + continuation).strip():
            warnings.append(f"Joined so, the model reads {read!r}.")
    else:
        row, encoding = Row(row.ids), build(segments, encoding.tokens)
        if example.prompt[-1].isalnum() and continuation[0].isalnum():
            joined = f"{example.prompt.split()[-1]}{continuation.split()[0]}"
            warnings.append(f"The continuation follows without a space: the model reads {joined!r}.")
    keep = len(row)
    while keep > known and encoding.tokens[keep - 1].special and encoding.tokens[keep - 1].segment is None:
        keep -= 1
    encoding = build(segments, encoding.tokens[:keep])
    check_shown(encoding)
    return Prepared([Row(row.ids[:keep])], [encoding], warnings, known)


def extend(prepared: Prepared, new: Sequence[int], checkpoint: Checkpoint) -> Prepared:
    """The prompt's row with the generated ids, and their text and offsets.

    Raises:
        ExampleError: nothing was generated.
    """
    tokenizer, row, encoding = checkpoint.tokenizer, prepared.rows[0], prepared.encodings[0]
    if not new:
        raise ExampleError(
            "The model ends the text right after the prompt.",
            "Give a continuation to explain, or end the prompt in the middle of a sentence.",
        )
    text, spans = generated_spans(tokenizer, row.ids, new)
    tokens = [
        Token(
            text=_piece(tokenizer, token),
            id=token,
            segment=None if span is None else 1,
            start=span and span[0],
            end=span and span[1],
            special=is_special(tokenizer, token),
        )
        for token, span in zip(new, spans, strict=True)
    ]
    segments = [*encoding.segments, Segment(name="continuation", text=text, generated=True)]
    shown = build(segments, [*encoding.tokens, *tokens])
    return Prepared([Row([*row.ids, *new])], [shown], prepared.warnings, prepared.known)


def generated_spans(
    tokenizer: Any, prompt: Sequence[int], new: Sequence[int]
) -> tuple[str, list[tuple[int, int] | None]]:
    """The text of generated ids, and where in it each one stands.

    Decoded together with the prompt, since a decoder drops the space before the first word of a text. A character
    spread over several byte tokens belongs to each of them.
    """
    before = len(_decode(tokenizer, prompt))
    spans: list[tuple[int, int] | None] = [None] * len(new)
    text, done = "", 0
    waiting: list[int] = []  # tokens whose character is not complete yet
    for i in range(len(new)):
        grown = _decode(tokenizer, [*prompt, *new[: i + 1]])[before:]
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


def _decode(tokenizer: Any, ids: Sequence[int]) -> str:
    return str(tokenizer.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False))


def explain(
    example: TextGeneration,
    prepared: Prepared,
    checkpoint: Checkpoint,
    logits: Tensor,
    embeddings: Tensor,
    gradients: Iterable[Tensor],
) -> ExampleResult:
    """A result with one map for each of the g tokens after the prompt.

    Logits (g, v) predict those tokens; embeddings (t, d); `gradients` yields (k, t, d), the g of them in order.
    """
    encoding = prepared.encodings[0]
    maps: list[Map] = []
    for i, gradient in enumerate(gradient for chunk in gradients for gradient in chunk):
        position = prepared.known + i
        target = _target(example, prepared, checkpoint, i, logits[i])
        # A token depends on the earlier ones only: the rest of its gradient is exactly 0 and not kept.
        maps.append(make_map(target.label, 0, encoding, target, gradient[:position], embeddings[:position]))
    stop: Literal["max_new_tokens", "end of text", "continuation given"] = "continuation given"
    warnings = [*prepared.warnings]
    if example.continuation is None:
        stop = "max_new_tokens" if len(maps) == example.max_new_tokens else "end of text"
        beaten = [(m.target.label, m.target.alternatives[0].logit - m.target.score) for m in maps]
        close = [label for label, gap in beaten if gap > 0]
        if any(gap > TIE * max(1.0, abs(m.target.score)) for (_, gap), m in zip(beaten, maps, strict=True)):
            raise ExampleError(
                "Computed again for its maps, the model prefers other tokens than those it generated.",
                "Its generation depends on more than the text; give a continuation to explain.",
            )
        if close:
            warnings.append(
                f"Recomputed for this map, the model ranks another token a hair above {', '.join(close)}: "
                "two candidates are equally likely to the last digits."
            )
    return ExampleResult(
        id=example.id,
        task=example.task,
        inputs=example.model_dump(),
        encodings=[encoding],
        prediction=Prediction(text=encoding.segments[1].text, stop=stop),
        maps=maps,
        warnings=warnings,
    )


def _target(example: TextGeneration, prepared: Prepared, checkpoint: Checkpoint, i: int, logits: Tensor) -> Target:
    ids = prepared.rows[0].ids
    position = prepared.known + i
    token, count = ids[position], len(ids) - prepared.known
    probabilities = logits.softmax(dim=-1)
    top = logits.topk(min(ALTERNATIVES, len(logits))).indices.tolist()
    label = _label(checkpoint.tokenizer, token)
    probability = min(float(probabilities[token]), 1.0)
    given = example.continuation is not None
    rank = int((logits > logits[token]).sum()) + 1
    made = (
        f"given as token {i + 1} of {count} of the continuation" if given else f"generated as token {i + 1} of {count}"
    )
    beaten = f", number {rank} among the model's candidates" if rank > 1 else ""
    return Target(
        quantity="logit",
        label=label,
        index=token,
        position=position,
        score=numbers(logits[token : token + 1])[0],
        probability=probability,
        chosen_by="continuation" if given else "generated",
        sentence=f"logit of “{label}”, {made}, p {stated(probability)}{beaten}",
        alternatives=[
            Outcome(label=_label(checkpoint.tokenizer, k), index=k, logit=logit, probability=min(probability, 1.0))
            for k, logit, probability in zip(top, numbers(logits[top]), numbers(probabilities[top]), strict=True)
        ],
    )


def _label(tokenizer: Any, token: int) -> str:
    # After another token: a decoder drops the space before the first word, and "▁at" would look like "at".
    context = tokenizer("a", add_special_tokens=False).input_ids
    text = _decode(tokenizer, [*context, token])[len(_decode(tokenizer, context)) :]
    if not text or "\ufffd" in text:
        return _piece(tokenizer, token)
    return text if text.strip() else text.translate(_BLANKS)


def _piece(tokenizer: Any, token: int) -> str:
    # Embeddings are often padded to a round number: such a row has logits, but no token has its id.
    return tokenizer.convert_ids_to_tokens(token) or f"<id {token}>"
