"""The input: YAML text to a validated `Spec`. Knows nothing of models or torch."""

from saliency_report.spec.fields import (
    DTYPES,
    EMBEDDED_MODEL,
    TASKS,
    Example,
    MultipleChoice,
    TextClassification,
    TextGeneration,
    json_schema,
)
from saliency_report.spec.load import Spec, load_spec, parse_spec

__all__ = [
    "DTYPES",
    "EMBEDDED_MODEL",
    "TASKS",
    "Example",
    "MultipleChoice",
    "Spec",
    "TextClassification",
    "TextGeneration",
    "json_schema",
    "load_spec",
    "parse_spec",
]
