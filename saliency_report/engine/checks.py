"""What is checked of a model before its gradients are taken: that the hook sees it whole, and what padding does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from saliency_report.engine.forward import collate, embeddings_as_leaf, logits_of, only
from saliency_report.engine.lookups import looked_up
from saliency_report.errors import ExampleError
from saliency_report.models import Loaded
from saliency_report.tasks.base import NOT_FINITE, TRY_ANOTHER_DTYPE
from saliency_report.tasks.encoding import Row

# The hooked forward must reproduce the plain one: relative to the largest logit.
EQUIVALENCE = {torch.float64: 1e-10, torch.float32: 1e-4, torch.bfloat16: 3e-2, torch.float16: 5e-3}
ROUNDED = 3.0  # times what other shapes change in half precision, padding may change there


def plain_logits(loaded: Loaded, rows: Sequence[Row], groups: int | None = None) -> Tensor:
    """The logits of rows by the model as it stands, which the checks compare with."""
    model: Any = loaded.model
    with torch.no_grad():
        return logits_of(model(**collate(rows, loaded, groups)))


def check_equivalence(
    loaded: Loaded, rows: Sequence[Row], groups: int | None = None, plain: Tensor | None = None
) -> float:
    """Largest difference of hooked and plain logits, relative to the largest logit.

    The hooked forward gets the embeddings as points from outside, as every method gives them. `plain` are the rows'
    logits where they are known, here and below.

    Raises:
        ExampleError: they differ, and gradients at the hook would explain another model; or a logit is not finite.
    """
    model: Any = loaded.model
    plain = plain_logits(loaded, rows, groups) if plain is None else plain
    inputs = collate(rows, loaded, groups)
    with torch.no_grad():
        points = looked_up(model, inputs)
        with embeddings_as_leaf(model, points) as leaves:
            hooked = logits_of(model(**inputs))
        only(leaves)
    if not bool(plain.isfinite().all()):
        raise ExampleError(NOT_FINITE, TRY_ANOTHER_DTYPE)
    difference = _difference(hooked, plain)
    if not difference <= _tolerance(loaded, plain):
        raise ExampleError(
            f"Embeddings put in from outside give the model other logits, by {difference:.1e} of the largest.",
            "Its gradients would explain another model; this architecture is not supported.",
        )
    return difference


def padding_is_neutral(
    loaded: Loaded, rows: Sequence[Row], groups: int | None = None, plain: Tensor | None = None
) -> bool:
    """Whether the logits of rows stay the same when they are padded: not so for FNet, ConvBERT or XLNet.

    What mixes positions without asking the mask (a Fourier transform, a convolution), or pools the last one, sees the
    padding; by up to 31 % in the gradient of a tiny FNet.

    In half precision a GPU rounds otherwise whenever the shape is another. Where logits are near 0 that is much of
    them, 8 billion parameters on an H100 beyond 3e-2: what copies of the rows beside them change counts as rounding.
    """
    model: Any = loaded.model
    alone = plain_logits(loaded, rows, groups) if plain is None else plain
    with torch.no_grad():
        padded = logits_of(model(**collate(rows, loaded, groups, extra=8)))[:, : alone.shape[1]]
        off, tolerance = _difference(padded, alone), _tolerance(loaded, alone)
        if off > tolerance and model.dtype.itemsize == 2:
            copies = [
                logits_of(model(**collate([*rows] * n, loaded, groups and n * groups)))[: len(alone)] for n in (2, 3, 4)
            ]
            tolerance = max(tolerance, ROUNDED * max(_difference(other, alone) for other in copies))
    return off <= tolerance


def _difference(logits: Tensor, plain: Tensor) -> float:
    """The largest difference of logits, relative to the largest plain one."""
    return float((logits - plain).abs().max() / plain.abs().max().clamp_min(1e-12))


def _tolerance(loaded: Loaded, logits: Tensor) -> float:
    """How exact logits are: as the weights, also where they were widened, as the pooled vectors of texts are."""
    model: Any = loaded.model
    return max(EQUIVALENCE.get(dtype, 0.0) for dtype in (logits.dtype, model.dtype))


def ids_act_elsewhere(
    loaded: Loaded, rows: Sequence[Row], groups: int | None = None, plain: Tensor | None = None
) -> bool:
    """Whether the ids tell the model more than the embeddings that stand in their place: Gemma 3n has a second table.

    The words of a row change places, and the embeddings stay.
    """
    model: Any = loaded.model
    special = set(loaded.checkpoint.tokenizer.all_special_ids)
    others = []
    for row in rows:
        places = [i for i, id in enumerate(row.ids) if id not in special]
        moved = dict(zip(places, [*places[1:], *places[:1]], strict=True))
        others.append(replace(row, ids=[row.ids[moved.get(i, i)] for i in range(len(row))]))
    plain = plain_logits(loaded, rows, groups) if plain is None else plain
    inputs, shuffled = collate(rows, loaded, groups), collate(others, loaded, groups)
    with torch.no_grad(), embeddings_as_leaf(model, looked_up(model, inputs)):
        hooked = logits_of(model(**shuffled))
    return _difference(hooked, plain) > _tolerance(loaded, plain)


def is_causal(loaded: Loaded, row: Row) -> bool:
    """Whether no position sees a later one: another last embedding must leave the hidden states before it as they are.

    The ids stay: BART counts the ends of texts, Longformer the marks between them. An encoder that a decoder reads from
    sees its text in both directions.
    """
    model: Any = loaded.model
    if model.config.is_encoder_decoder:
        return False
    if len(row) == 1:  # two of the same token can be told apart by what they see
        row = Row(row.ids * 2, {name: values * 2 for name, values in row.extra.items()})
    inputs = collate([row], loaded, 1 if loaded.choices else None)
    states: list[Any] = []
    with torch.no_grad():
        points = looked_up(model, inputs)
        for last in (points[:, -1], points[:, -1].flip(-1)):
            with embeddings_as_leaf(model, torch.cat([points[:, :-1], last[:, None]], dim=1)):
                states.append(getattr(model(**inputs, output_hidden_states=True), "hidden_states", None))
    if not all(states):
        return False
    before, after = (given[-1].flatten(0, -3)[0, :-1] for given in states)
    return float((after - before).abs().max()) <= 1e-6 * float(before.abs().max())
