"""The tasks, by the Hub's names: one file a task, one line here.

A task module has `AUTO_CLASS`; `CHOICES`, whether the model takes choices as an axis; `prepare(example, checkpoint)`;
and `explain(...)`, which makes the result. `select(example, prepared, logits, checkpoint)` gives the explained numbers
(k, m) of a task that answers in one pass, in k sets that have one of each row at most; `extend(prepared, new,
checkpoint)` takes in what was generated.
"""

from types import ModuleType

from saliency_report.tasks import (
    fill_mask,
    multiple_choice,
    question_answering,
    sentence_similarity,
    text2text_generation,
    text_classification,
    text_generation,
    token_classification,
    zero_shot_classification,
)

TASKS: dict[str, ModuleType] = {
    "text-classification": text_classification,
    "text-generation": text_generation,
    "text2text-generation": text2text_generation,
    "multiple-choice": multiple_choice,
    "fill-mask": fill_mask,
    "token-classification": token_classification,
    "question-answering": question_answering,
    "sentence-similarity": sentence_similarity,
    "zero-shot-classification": zero_shot_classification,
}
