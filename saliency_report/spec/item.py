"""One mapping of fields to one example, or to every problem of it."""

from __future__ import annotations

from pydantic import ValidationError

from saliency_report.spec.asserted import assertions_of
from saliency_report.spec.checks import Fields, check_evidence, check_task
from saliency_report.spec.fields import TASKS, Example, inherited
from saliency_report.spec.messages import explain
from saliency_report.spec.source import Loc, Source
from saliency_report.spec.values import did_you_mean, kind_of, listed

# What pipelines and papers call some tasks.
ALIASES = {
    "ner": "token-classification",
    "sentiment-analysis": "text-classification",
    "summarization": "text2text-generation",
    "translation": "text2text-generation",
    "seq2seq": "text2text-generation",
    "causal-lm": "text-generation",
    "masked-lm": "fill-mask",
    "qa": "question-answering",
    "nli": "text-classification",
}


def example_of(source: Source, item: object, path: Loc, defaults: dict[str, object]) -> Example | None:
    """The example that a mapping describes, with the defaults where it is silent; None where something is wrong."""
    if not isinstance(item, dict):
        source.problem(path, f"must be a mapping with a task and its texts, not {kind_of(item)}")
        return None
    task = item.get("task", defaults.get("task"))
    if task is None:
        source.problem(path, f"the key task is missing; it is one of {listed(TASKS)}")
        return None
    if not isinstance(task, str) or task not in TASKS:
        at = (*path, "task") if "task" in item else ("defaults", "task")
        called = ALIASES.get(str(task))
        hint = f"; it is called {called} here" if called else did_you_mean(task, [*TASKS])
        source.problem(at, f"unknown task {kind_of(task)!r}{hint or f'; known are {listed(TASKS)}'}")
        return None
    model = TASKS[task]
    fields = {**inherited(task, defaults), "task": task, **item}
    before = len(source.problems)
    example = None
    try:
        example = model.model_validate({name: value for name, value in fields.items() if name != "assert"})
    except ValidationError as error:
        for detail in error.errors():
            explain(source, detail, path, model, item)
    given = Fields(source, path, item, fields)
    check_task(given)
    check_evidence(given)
    asserted = assertions_of(given, defaults)
    if example and asserted:
        example = example.model_copy(update={"assertions": asserted})
    return example if len(source.problems) == before else None
