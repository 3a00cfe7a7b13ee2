"""The small trained models that serve when an example names none."""

from pathlib import Path

_HERE = Path(__file__).parent

EMBEDDED: dict[str, Path] = {
    "text-classification": _HERE / "sentiment",
    "text-generation": _HERE / "causal_lm",
    "multiple-choice": _HERE / "multiple_choice",
}
"""Task name to the folder of its model, as `from_pretrained` takes it."""
