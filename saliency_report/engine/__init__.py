"""Rows to logits, embeddings and gradients on a device; the only caller of a model.

The seam: the model is always called with its `input_ids` and mask, and a forward hook on the word-embedding module puts
a leaf tensor in the place of the module's output. Passing `inputs_embeds` is silently another model for Marian,
Pegasus, Falcon-H1, Gemma-3n, right-padded Llama-type classifiers and others, and fails for Gemma-4.

Rows are padded on the right: left padding without explicit positions moves GPT-2's gradients by half.
"""

from saliency_report.engine.checks import (
    check_equivalence,
    ids_act_elsewhere,
    is_causal,
    padding_is_neutral,
    plain_logits,
)
from saliency_report.engine.device import (
    affordable,
    default_dtype,
    device_name,
    device_of,
    give_back_memory,
    is_out_of_memory,
    pick_device,
    token_budget,
)
from saliency_report.engine.evaluate import Job, embed, evaluate, rows_of
from saliency_report.engine.forward import Gradients, collate, gradients
from saliency_report.engine.generation import check_causal, generate, matrix
from saliency_report.engine.parts import at_once, in_parts
from saliency_report.engine.products import float32_products
from saliency_report.engine.streams import Streams
from saliency_report.engine.writing import read, write

__all__ = [
    "Gradients",
    "Job",
    "Streams",
    "affordable",
    "at_once",
    "check_causal",
    "check_equivalence",
    "collate",
    "default_dtype",
    "device_name",
    "device_of",
    "embed",
    "evaluate",
    "float32_products",
    "generate",
    "give_back_memory",
    "gradients",
    "ids_act_elsewhere",
    "in_parts",
    "is_causal",
    "is_out_of_memory",
    "matrix",
    "padding_is_neutral",
    "pick_device",
    "plain_logits",
    "read",
    "rows_of",
    "token_budget",
    "write",
]
