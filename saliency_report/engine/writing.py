"""What an encoder-decoder model writes from a source, greedily, and what it looks up and answers at each place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from saliency_report.engine.evaluate import embed
from saliency_report.engine.forward import collate, logits_of, wide, widened
from saliency_report.engine.lookups import NOT_SUPPORTED, looked_up
from saliency_report.errors import ExampleError
from saliency_report.models import Loaded
from saliency_report.tasks.encoding import Row


def write(loaded: Loaded, row: Row, max_new_tokens: int) -> list[int]:
    """The ids that are likeliest one after the other behind the row's prefix, without the token that ends them.

    The argmax is what is explained: model.generate takes beams and penalties from the checkpoint.
    """
    model: Any = loaded.model
    ends = model.generation_config.eos_token_id
    ends = set() if ends is None else {ends} if isinstance(ends, int) else set(ends)
    new: list[int] = []
    with torch.inference_mode():
        while len(new) < max_new_tokens:
            grown = Row([*row.ids, *new], prefix=row.prefix + len(new))
            token = int(logits_of(model(**collate([grown], loaded)))[0, -1].argmax())
            if token in ends:
                break
            new.append(token)
    return new


def read(loaded: Loaded, row: Row, tokens: Sequence[int]) -> tuple[Tensor, Tensor]:
    """The logits (g, v) that predict tokens of a row's prefix, and the embeddings (t, d) of its source and prefix.

    Raises:
        ExampleError: the encoder's words and the decoder's have embeddings of their own.
    """
    model: Any = loaded.model
    inputs = collate([row], loaded)
    source = len(row) - row.prefix
    with torch.no_grad():
        logits = logits_of(model(**inputs))[0]
        embeddings = widened(looked_up(model, inputs)[0])
    if not torch.equal(embeddings, embed(loaded, row.ids)):
        raise ExampleError("The model's encoder and decoder have embeddings of their own.", NOT_SUPPORTED)
    return wide(logits[[token - 1 - source for token in tokens]]), embeddings
