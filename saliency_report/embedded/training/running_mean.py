"""The mean of a network's weights over the last batches, which is better than the last weights."""

import torch
from torch import nn


def follow(average: nn.Module, model: nn.Module, step: int) -> None:
    """Let `average` come nearer to `model`, over 200 batches in the end, over fewer in the beginning."""
    weight = 1 - min(0.995, step / (step + 10))
    with torch.no_grad():
        for mean, now in zip(average.parameters(), model.parameters(), strict=True):
            mean.lerp_(now, weight)
