"""Whether integrated gradients of a causal language model add up at default settings, on ten varied prompts.

    python tests/benchmarks/completeness.py --model FILE.gguf

Any causal model with a chat template serves; the figures of the README are SmolLM2-135M-Instruct's. Each prompt
explains the logit of the token that the model continues it with.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import torch

from saliency_report.models import quiet
from saliency_report.pipeline import Run
from saliency_report.record import ExampleResult
from saliency_report.spec import parse_spec

PROMPTS: list[dict[str, Any]] = [
    {"prompt": "Once upon a"},
    {"prompt": "The capital of France is"},
    {"prompt": "The keys to the cabinet"},
    {"prompt": "Water boils at a temperature of"},
    {"prompt": "The doctor told the nurse that"},
    {"prompt": "def fibonacci(n):\n    if n < 2:\n        return"},
    {"prompt": "I watched this film twice and every minute of it was"},
    {"prompt": "In 1969, Neil Armstrong became the first person to walk on the"},
    {"prompt": "Why is the sky blue?", "chat": True},
    {
        "prompt": "The old lighthouse had stood on the cliff for two hundred years. Every evening the keeper climbed "
        "its stairs, lit the lamp and wrote a line in his book. On the night of the great storm the lamp went out, "
        "and the sailors who were still at"
    },
]


def line(result: ExampleResult) -> str:
    """What came of a prompt."""
    if result.failure:
        return f"{result.id}: {result.failure.message}"
    tokens = len(result.encodings[0].tokens)
    found = next((m for m in result.maps if m.completeness), None)
    if found is None or found.completeness is None:
        return f"{result.id}: {' '.join(result.warnings)}"
    c, explained = found.completeness, found.target
    relative = "–" if c.relative is None else f"{100 * c.relative:.2f} %"
    return (
        f"{tokens - 1:3d} tokens → {explained.label!r:12} F {c.score:7.2f}, {c.baseline} {c.baseline_score:7.2f}, "
        f"off by {relative:9} {c.verdict:4} {c.steps:4d} steps, {c.evaluated:4d} evaluated, {result.seconds:6.1f} s"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    args = parser.parse_args()
    quiet()
    common = {"task": "text-generation", "model": str(Path(args.model).resolve()), "max_new_tokens": 1}
    examples = [{**common, **prompt, "methods": "integrated_gradients"} for prompt in PROMPTS]
    spec = parse_spec(json.dumps(examples), "prompts", None, Path.cwd())
    Run(spec, torch.device("cpu"), "float32", lambda result: print(line(result), flush=True)).report()


if __name__ == "__main__":
    main()
