"""The input: YAML text to a validated `Spec`. Knows nothing of models or torch."""

from saliency_report.spec.evidence import METHOD_NAMES, PLAIN, asks_for_all_methods, asks_for_more
from saliency_report.spec.example import DTYPES, EMBEDDED_MODEL
from saliency_report.spec.fields import TASKS, Example, json_schema
from saliency_report.spec.fill_mask import FillMask
from saliency_report.spec.load import Spec, load_spec, parse_spec
from saliency_report.spec.multiple_choice import MultipleChoice
from saliency_report.spec.question_answering import QuestionAnswering
from saliency_report.spec.sentence_similarity import SentenceSimilarity
from saliency_report.spec.text2text_generation import Text2TextGeneration
from saliency_report.spec.text_classification import TextClassification
from saliency_report.spec.text_generation import TextGeneration, is_span
from saliency_report.spec.texts import own_texts, rationale_spans
from saliency_report.spec.token_classification import TokenClassification
from saliency_report.spec.zero_shot_classification import ZeroShotClassification

__all__ = [
    "DTYPES",
    "EMBEDDED_MODEL",
    "METHOD_NAMES",
    "PLAIN",
    "TASKS",
    "Example",
    "FillMask",
    "MultipleChoice",
    "QuestionAnswering",
    "SentenceSimilarity",
    "Spec",
    "Text2TextGeneration",
    "TextClassification",
    "TextGeneration",
    "TokenClassification",
    "ZeroShotClassification",
    "asks_for_all_methods",
    "asks_for_more",
    "is_span",
    "json_schema",
    "load_spec",
    "own_texts",
    "parse_spec",
    "rationale_spans",
]
