"""Which words of two texts make a model hold them alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from saliency_report.aggregation import Slopes
from saliency_report.record import ExampleResult, Outcome, Prediction, Segment, Target
from saliency_report.spec import SentenceSimilarity
from saliency_report.tasks import long
from saliency_report.tasks.base import Checkpoint, Prepared, make_map, numbers, valued
from saliency_report.tasks.encoding import Row, build, check_shown, unknown_warning
from saliency_report.tasks.target import TargetFunction

AUTO_CLASS = "AutoModel"
CHOICES = False
AT_THE_END = 1e-6  # of 1: what float32 leaves of the cosine of two equal vectors is 1e-7
NO_SLOPE = (
    "The two texts have the same vector: their cosine is at the end of its scale, where its slope is 0. The numbers "
    "are what rounding leaves of that and say nothing of the words."
)
ADVICE = "Write `long: truncate` to leave out what is too long, or use a model with a longer context."


def prepare(example: SentenceSimilarity, checkpoint: Checkpoint) -> Prepared:
    """A row for each of the texts; what is shown has the tokens of both."""
    segments = [Segment(name="text", text=example.text), Segment(name="text_pair", text=example.text_pair)]
    rows: list[Row] = []
    tokens, warnings = [], []
    for number, segment in enumerate(segments):
        noun = "second text" if number else "first text"
        read = long.read(segment, checkpoint, example.long, noun=noun, advice=ADVICE)
        encoding = read.encodings[0]
        check_shown(encoding)
        rows += read.rows
        warnings += read.warnings
        # What the tokenizer adds before a text stands at its beginning, and not at the end of the text before.
        first = next(i for i, token in enumerate(encoding.tokens) if token.segment is not None)
        tokens += [replace(token, segment=number, start=0, end=0) for token in encoding.tokens[:first]]
        tokens += [t if t.segment is None else replace(t, segment=number) for t in encoding.tokens[first:]]
        warnings += unknown_warning(checkpoint.tokenizer, encoding, cut=bool(read.warnings))
    warnings += _read_otherwise(example, checkpoint)
    return Prepared(rows, [build(segments, tokens)], list(dict.fromkeys(warnings)))


def select(example: SentenceSimilarity, prepared: Prepared, logits: Tensor, checkpoint: Checkpoint) -> Tensor:
    """The cosine (1, 1) of the vectors (2, d): both rows are in it, and no other example's."""
    return _cosine(logits[None])[None]


def explain(
    example: SentenceSimilarity,
    prepared: Prepared,
    checkpoint: Checkpoint,
    logits: Tensor,
    embeddings: Sequence[Tensor],
    gradients: Sequence[Slopes],
) -> ExampleResult:
    """Vectors (2, d), embeddings and gradients (t, d) of each text as a result with one map over both."""
    assert checkpoint.pooling is not None
    (score,) = numbers(_cosine(logits[None]))
    target = Target(
        quantity="cosine",
        label="both texts",
        index=0,
        score=score,
        probability=None,
        chosen_by="predicted",
        sentence=f"cosine similarity of the two texts’ vectors, {valued(score)} on a scale from −1 to 1; "
        f"the vector of a text is {checkpoint.pooling.in_words}",
    )
    encoding = prepared.encodings[0]
    gradient = torch.cat([slopes.values for slopes in gradients])
    found = make_map("similarity", 0, encoding, target, gradient, torch.cat([*embeddings]))
    if 1 - abs(score) < AT_THE_END:
        found.warnings.append(NO_SLOPE)
    return ExampleResult(
        id=example.id,
        task=example.task,
        inputs=example.model_dump(),
        encodings=[encoding],
        prediction=Prediction(outcomes=[Outcome(label="cosine", index=0, logit=score, probability=None)], link="none"),
        maps=[found],
        warnings=prepared.warnings,
    )


def functions(
    example: SentenceSimilarity, prepared: Prepared, checkpoint: Checkpoint, result: ExampleResult
) -> list[TargetFunction]:
    """F of the one map: the cosine of what the two rows become."""
    first, second = map(len, prepared.rows)
    return [TargetFunction(prepared.rows, [range(first), range(first, first + second)], _cosine)]


def _cosine(vectors: Tensor) -> Tensor:
    """The cosine (b,) of pairs of vectors (b, 2, d)."""
    return torch.cosine_similarity(vectors[:, 0], vectors[:, 1], dim=-1)


def _read_otherwise(example: SentenceSimilarity, checkpoint: Checkpoint) -> list[str]:
    """Where sentence-transformers would read other tokens than these, so that its number is another."""
    pooling, tokenizer = checkpoint.pooling, checkpoint.tokenizer
    assert pooling is not None
    found: list[str] = []
    if pooling.prompt:
        found.append(
            f"sentence-transformers puts {pooling.prompt!r} before each text of this checkpoint, which is not done "
            "here: write it into the texts for its number."
        )
    texts: list[Any] = [example.text, example.text_pair]
    if pooling.lower and any(tokenizer(text.lower()).input_ids != tokenizer(text).input_ids for text in texts):
        found.append(
            "sentence-transformers puts the texts of this checkpoint into lower case, which is not done here: write "
            "them so for its number."
        )
    return found
