"""Write a model folder with half the bytes."""

import json
from pathlib import Path

from transformers import PreTrainedModel, PreTrainedTokenizerBase


def save(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Write `folder` with weights in float16, under a configuration that loads them as float32.

    float16 arithmetic on a CPU would be slow, and gradients in it inexact. `model` itself is rounded too.
    """
    model.half().save_pretrained(folder)
    model.float()
    tokenizer.save_pretrained(folder)
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["dtype"] = "float32"
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    (folder / "model.safetensors").chmod(0o644)
