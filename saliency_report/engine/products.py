"""How a CPU multiplies float32 matrices: by torch's own choice, or by oneDNN where that is as exact and faster."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch import Tensor

from saliency_report.record import Matmul

# Rows, inner size and columns of a layer of BERT-base, forward and backward.
SHAPES = ((512, 768, 768), (512, 768, 3072), (512, 3072, 768))
# MKL has 2.5e-7 to 3.6e-7 and oneDNN in float32 3.7e-7; in bfloat16, as on a CPU with AMX, it has 2.4e-3.
FLOAT32_ERROR = 1e-6
FASTER = 0.95  # of the time: less than that is noise
ROUNDS = 7


@contextmanager
def float32_products(device: torch.device) -> Iterator[Matmul | None]:
    """Inside, products of float32 matrices are taken the fastest way that has float32's own error.

    torch's precision `medium` hands them to oneDNN. On an AMD CPU with AVX-512 that is still float32, twice as fast as
    MKL; on one with AMX it is bfloat16, 7,000 times less exact. So products are compared with float64 first, and timed
    where they pass. On other devices TF32 stays off, in convolutions too. What was set before is restored.
    """
    before, convolutions = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    chosen = _chosen() if device.type == "cpu" else None
    torch.set_float32_matmul_precision("medium" if chosen and chosen.library == "oneDNN" else "highest")
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield chosen
    finally:
        torch.set_float32_matmul_precision(before)
        torch.backends.cudnn.allow_tf32 = convolutions


@cache
def _chosen() -> Matmul:
    """Measured once a process; takes 50 ms."""
    generator = torch.Generator().manual_seed(0)
    pairs = [
        (torch.randn(rows, inner, generator=generator), torch.randn(inner, columns, generator=generator))
        for rows, inner, columns in SHAPES
    ]
    own, other = (_error(pairs, setting) for setting in ("highest", "medium"))
    if other <= FLOAT32_ERROR and _is_faster(*pairs[0]):
        return Matmul(library="oneDNN", error=other)
    return Matmul(library="default", error=own)


def _error(pairs: list[tuple[Tensor, Tensor]], setting: Any) -> float:
    """The largest error of the products, relative to their size, against float64."""
    torch.set_float32_matmul_precision(setting)
    exact = [a.double() @ b.double() for a, b in pairs]
    return max(float((a @ b - c).norm() / c.norm()) for (a, b), c in zip(pairs, exact, strict=True))


def _is_faster(a: Tensor, b: Tensor) -> bool:
    """Whether oneDNN takes a product in clearly less time, medians of rounds in turn."""
    times: dict[str, list[float]] = {"highest": [], "medium": []}
    for _ in range(ROUNDS):
        for setting, taken in times.items():
            torch.set_float32_matmul_precision(setting)
            begun = time.perf_counter()
            torch.mm(a, b)
            taken.append(time.perf_counter() - begun)
    return statistics.median(times["medium"]) < FASTER * statistics.median(times["highest"])
