"""Long texts in windows that are made and run by hand, from what the record says of them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from at_tokens import Plain
from saliency_report.record import Encoding

WORDS = "The cat sat on the movie in Rome Paris London France capital of is was hated incredibly a b".split()
LIMIT = 64


def text(count: int, seed: int = 0) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=count))


def places(encoding: Encoding, count: int = LIMIT) -> list[list[int]]:
    """The tokens of each window of the last segment, made from the code points that the record gives."""
    last = len(encoding.segments) - 1
    inner = [i for i, token in enumerate(encoding.tokens) if token.segment == last and not token.special]
    before, after = range(inner[0]), range(inner[-1] + 1, len(encoding.tokens))
    found = []
    for window in encoding.windows:
        read = [i for i in inner if window.start < (encoding.tokens[i].end or 0) <= window.end]
        found.append([*before, *read, *after])
        assert len(found[-1]) == window.tokens == count
    return found


def run(
    model: Plain, ids: Sequence[int], points: Tensor | None = None, more: Mapping[str, Sequence[int]] | None = None
) -> Tensor:
    """The logits (t, c) of one row, or (n, t, c) of points (n, t, d) in the place of its embeddings."""
    count = 1 if points is None else len(points)
    inputs = {name: torch.tensor([list(values)] * count) for name, values in {"input_ids": ids, **(more or {})}.items()}
    hook = lambda module, args, output: output if points is None else points  # noqa: E731
    handle = model.model.get_input_embeddings().register_forward_hook(hook)
    try:
        with torch.no_grad():
            output = model.model(**inputs, attention_mask=torch.ones_like(inputs["input_ids"]))
    finally:
        handle.remove()
    logits: Tensor = output.logits if "logits" in output else torch.stack([output.start_logits, output.end_logits], -1)
    return logits[0] if points is None else logits
