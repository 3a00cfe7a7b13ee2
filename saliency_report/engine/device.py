"""Devices: which there is, its name, how much it takes at once, and whether its memory ran out."""

from __future__ import annotations

import ctypes
from contextlib import suppress

import torch
from torch import nn

from saliency_report.errors import InputError


def pick_device(name: str | None) -> torch.device:
    """The device of that name, or the first that there is of cuda, xpu, mps, cpu.

    Raises:
        InputError: there is no such device here.
    """
    if name is None:
        return next(torch.device(kind) for kind in ("cuda", "xpu", "mps", "cpu") if _available(kind))
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        here = ", ".join(kind for kind in ("cuda", "xpu", "mps", "cpu") if _available(kind))
        raise InputError(f"--device {name}: there is no such device here.", f"Use one of {here}.") from error
    return device


def _available(kind: str) -> bool:
    return kind == "cpu" or bool(getattr(torch, kind).is_available())


def device_name(device: torch.device) -> str:
    """The device as the record names it."""
    if device.type in ("cuda", "xpu"):
        return f"{device} ({getattr(torch, device.type).get_device_name(device)})"
    return str(device)


def device_of(model: nn.Module) -> torch.device:
    """Where a model's first weights are."""
    return next(model.parameters()).device


def default_dtype(device: torch.device) -> str:
    """The number format of weights where none is asked for: on a GPU the checkpoint's own, which it was made for."""
    return "float32" if device.type == "cpu" else "auto"


def token_budget(device: torch.device) -> int:
    """Padded tokens a batch to begin with.

    On two cores of an AMD CPU 256 to 512 are fastest, 1,024 take 1.2 times as long; on a Xeon with a thread a batch 384
    to 1,024 take the same. An H100 waits for Python with fewer than
    65,536 of a model of 135 M parameters: with 16,384 it is busy for 27 % of the time.
    """
    return 512 if device.type == "cpu" else 65_536


# Bytes that a token leaves for the backward pass, divided by the parameters besides the embeddings and the size of a
# number, times the coordinates of an embedding: 1.6 for a Llama of 135 M parameters, 1.35 for those of 1 B and 8 B.
LEFT_BEHIND = 1.6


def affordable(model: nn.Module, device: torch.device) -> int | None:
    """Padded tokens that a pass and its gradient may have in half of the memory that weights leave; None: any number.

    A budget that starts too high is halved until it fits, but each try costs what it did before memory ran out. The
    memory is the device's own, not what is free at the moment: the same batches, and the same last digits, each time.
    """
    memory = _memory(device)
    if memory is None or hasattr(model, "hf_device_map"):
        return None
    held = sum(p.numel() * p.element_size() for p in model.parameters())
    return max(1, int((memory - held) / 2 / left_behind(model)))


def left_behind(model: nn.Module) -> float:
    """Bytes that a token leaves for the backward pass, about."""
    tables = {id(m.weight): m.weight for m in model.modules() if isinstance(m, nn.Embedding)}
    inner = sum(p.numel() for p in model.parameters() if id(p) not in tables)
    size = min((t.element_size() for t in tables.values()), default=4)
    width = max((t.shape[-1] for t in tables.values()), default=1)
    return LEFT_BEHIND * size * max(inner, 1) / width


def _memory(device: torch.device) -> int | None:
    """A GPU's memory in bytes."""
    if device.type not in ("cuda", "xpu"):
        return None
    return int(getattr(torch, device.type).get_device_properties(device).total_memory)


def give_back_memory() -> None:
    """Let the C library return to the system what it holds and does not use, where it can.

    Batches of ever other sizes leave gaps in its heap: 80 to 130 MB after a window of 512 texts.
    """
    with suppress(OSError, AttributeError):  # another library than glibc
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out, on any device."""
    text = str(error)
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and ("not enough memory" in text or "out of memory" in text)
    )
