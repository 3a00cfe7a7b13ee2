"""Start some attention heads as heads that look for the same word elsewhere in the input.

To read "Anna lives in Oslo. Ben lives in Lima. Where does Ben live?" a model has to find the question's *Ben* in the
context, and the choice's *Lima* too. Such heads take long to appear by training alone. A head whose queries and keys
are the same projection of the hidden state attends to states like its own from the start: on such a text about a third
of its attention goes to the word's other occurrence, the rest to the word itself.
"""

from collections.abc import Sequence
from typing import cast

import torch
from transformers import BertModel, PreTrainedTokenizerBase
from transformers.models.bert.modeling_bert import BertLayer

SHARPNESS = 10.0  # attention logit of a state with itself, on average; others are near zero


@torch.no_grad()
def add_matching_heads(
    model: BertModel, tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], layers: int, heads: int
) -> None:
    """Replace the `heads` weakest heads of each of the first `layers` layers; `texts` tell where the states lie."""
    count = model.config.num_attention_heads
    width = model.config.hidden_size // count
    for index in range(layers):
        layer = cast(BertLayer, model.encoder.layer[index])
        encoded = tokenizer(list(texts), padding=True, return_tensors="pt")
        states = model.eval()(**encoded, output_hidden_states=True).hidden_states[index]
        states = states[encoded["attention_mask"] == 1]
        centre = states.mean(0)
        attention, output = layer.attention.self, layer.attention.output.dense.weight
        values = attention.value.weight.view(count, width, -1).flatten(1).norm(dim=1)
        strength = values * output.view(-1, count, width).transpose(0, 1).flatten(1).norm(dim=1)
        for head in strength.argsort()[:heads].tolist():
            rows = slice(head * width, (head + 1) * width)
            projection = torch.linalg.qr(torch.randn(states.shape[1], width)).Q.T
            length = ((states - centre) @ projection.T).square().sum(-1).mean()
            projection *= (SHARPNESS * width**0.5 / length).sqrt()
            boost = (strength.mean() / strength[head]).sqrt()
            for linear in (attention.query, attention.key):
                linear.weight[rows] = projection
                linear.bias[rows] = -projection @ centre
            attention.value.weight[rows] *= boost
            output[:, rows] *= boost
