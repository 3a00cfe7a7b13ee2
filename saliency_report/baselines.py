"""The baseline x′ of a path method: the text with nothing said in it.

What stands in the place of a token, by name:

zero             a vector of zeros
mean             the mean of the rows of the embedding matrix
pad, mask, eos   the embedding of that special token
a given text     its own tokens, one for one

Tokens that are kept (the first one, special ones, those of a chat template) stay as they are. A language model rests
its attention on the first one; where that is taken away, the path leads through points at which F means little.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def baseline(x: Tensor, kept: Sequence[int], fill: Tensor) -> Tensor:
    """The baseline (t, d) of embeddings (t, d): `fill` (d,) or (t, d), but the kept rows are those of x."""
    filled = fill.to(x).expand_as(x).clone()
    rows = torch.as_tensor(kept, dtype=torch.long, device=x.device)
    filled[rows] = x[rows]
    return filled
