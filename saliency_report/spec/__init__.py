"""The input: YAML text to a validated `Spec`. Knows nothing of models or torch."""

from saliency_report.spec.evidence import METHOD_NAMES, PLAIN, asks_for_all_methods, asks_for_more
from saliency_report.spec.fields import (
    DTYPES,
    EMBEDDED_MODEL,
    TASKS,
    Example,
    MultipleChoice,
    TextClassification,
    TextGeneration,
    is_span,
    json_schema,
)
from saliency_report.spec.load import Spec, load_spec, parse_spec
from saliency_report.spec.texts import rationale_spans

__all__ = [
    "DTYPES",
    "EMBEDDED_MODEL",
    "METHOD_NAMES",
    "PLAIN",
    "TASKS",
    "Example",
    "MultipleChoice",
    "Spec",
    "TextClassification",
    "TextGeneration",
    "asks_for_all_methods",
    "asks_for_more",
    "is_span",
    "json_schema",
    "load_spec",
    "parse_spec",
    "rationale_spans",
]
