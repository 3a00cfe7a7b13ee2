"""The least that a process takes which loads a classifier and explains texts: what a whole command is held against.

    python -m race.bare FOLDER TEXTS.json TOKENS DTYPE DEVICE

Prints the seconds of the floor's loop as JSON; what the process took beyond them is Python, torch and the loading.
"""

import json
import sys
import time
from pathlib import Path

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from race.floors import fast_float32, gradient_norms, products


def main() -> None:
    """Load and explain."""
    folder, texts, tokens, dtype, device = sys.argv[1:]
    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=getattr(torch, dtype))
    model.to(device).eval().requires_grad_(False)
    given = AutoTokenizer.from_pretrained(folder)(json.loads(Path(texts).read_text(encoding="utf-8")))
    names = ["input_ids", "attention_mask"]
    rows = [{name: given[name][i] for name in names} for i in range(len(given["input_ids"]))]
    begun = time.perf_counter()
    with products(fast_float32()):
        gradient_norms(model, rows, int(tokens))
    print(json.dumps(time.perf_counter() - begun))


if __name__ == "__main__":
    main()
