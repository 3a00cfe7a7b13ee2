"""The small trained models that serve when an example names none."""

from pathlib import Path

_HERE = Path(__file__).parent

EMBEDDED: dict[str, Path] = {
    "text-classification": _HERE / "sentiment",
    "text-generation": _HERE / "causal_lm",
    "multiple-choice": _HERE / "multiple_choice",
    "question-answering": _HERE / "question_answering",
    "token-classification": _HERE / "token_classification",
    "fill-mask": _HERE / "fill_mask",
    "sentence-similarity": _HERE / "sentence_similarity",
    "zero-shot-classification": _HERE / "zero_shot_classification",
    "text2text-generation": _HERE / "text2text_generation",
}
"""Task name to the folder of its model, as `from_pretrained` takes it."""
