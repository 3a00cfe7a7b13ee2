"""Start an untrained encoder with heads that look for the same word elsewhere, and with heads that look around.

To answer "Anna lives in Oslo. Ben lives in Lima. Where does Ben live?" a model has to find the question's *Ben* in the
context, and what stands near it. From random weights both come late: after 40,000 items a model knew the kind of word
that was asked for, and not whose. So the last dimensions of the embeddings are kept for the position, as waves whose
products fall with the distance; a head whose queries and keys read those alone looks at its neighbours, one that
reads the others alone at words like its own.
"""

import math
from typing import Any, cast

import torch
from torch import Tensor
from transformers import BertModel
from transformers.models.bert.modeling_bert import BertLayer

SAME = 1.4  # how sharply: the square of what queries and keys are multiplied by
NEAR = 0.4


@torch.no_grad()
def add_looking_heads(model: BertModel, layers: int) -> None:
    """In each of the first `layers` layers two heads for the same word, and one for its neighbours."""
    embeddings = model.embeddings
    width = model.config.hidden_size // model.config.num_attention_heads
    spread = model.config.initializer_range
    for table in (embeddings.word_embeddings, embeddings.token_type_embeddings):
        table.weight[:, -width:] = 0
    embeddings.token_type_embeddings.weight *= 0.3  # a word of the second text is like itself in the first
    embeddings.position_embeddings.weight.zero_()
    embeddings.position_embeddings.weight[:, -width:] = 2 * spread * waves(model.config.max_position_embeddings, width)
    for layer in list(model.encoder.layer)[:layers]:
        attention: Any = cast(BertLayer, layer).attention.self
        for linear in (attention.query, attention.key):
            linear.weight[:, -width:] = 0
            linear.weight[2 * width : 3 * width] = 0
            linear.weight[2 * width : 3 * width, -width:] = NEAR**0.5 * torch.eye(width)
        for head in range(2):
            rows = slice(head * width, (head + 1) * width)
            same = torch.linalg.qr(torch.randn(model.config.hidden_size - width, width)).Q.T
            attention.query.weight[rows, :-width] = attention.key.weight[rows, :-width] = SAME**0.5 * same


def waves(length: int, width: int) -> Tensor:
    """Sines and cosines (length, width) of the positions, from 4 to 128 positions long."""
    long = torch.logspace(2, 7, width // 2, base=2)
    turns = 2 * math.pi * torch.arange(length)[:, None] / long
    return torch.cat([turns.sin(), turns.cos()], dim=1)
