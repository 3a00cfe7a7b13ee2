"""An input file to a `Spec`, or every problem of the file at once.

A bare list of examples is complete; the full form is a mapping with `title`, `defaults` (any field of an example)
and `examples`. Each message names file, line, column and path, and what to do next.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from saliency_report.errors import InputError
from saliency_report.spec.checks import Fields, check_evidence, check_task
from saliency_report.spec.fields import NOT_IN_DEFAULTS, TASKS, Example, all_fields, inherited
from saliency_report.spec.messages import explain
from saliency_report.spec.source import Loc, Source, dotted, parse
from saliency_report.spec.values import did_you_mean, kind_of, listed


@dataclass(frozen=True)
class Spec:
    """What the person asked for."""

    title: str
    examples: tuple[Example, ...]
    source: str | None = None
    folder: Path = Path()


def load_spec(path: Path) -> Spec:
    """Read and validate an input file.

    Raises:
        InputError: the file cannot be read, or one line for each problem in it, in the order of the text.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 at byte {error.start}.", "Save the file as UTF-8.") from error
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read: {error.strerror}.",
            "Give the YAML file that lists your examples.",
        ) from error
    return parse_spec(text, str(path), path.name, path.resolve().parent)


def parse_spec(text: str, name: str, source_name: str | None, folder: Path) -> Spec:
    """Validate YAML text; `name` stands in messages, model folders are looked up from `folder`."""
    source = parse(text)
    examples: list[Example] = []
    title = ""
    if not source.problems or source.data is not None:
        title, examples = _validate(source)
    if source.problems:
        lines = (
            f"{name}:{p.line}:{p.column}: {p.path}{': ' if p.path else ''}{p.message}"
            for p in sorted(set(source.problems))
        )
        raise InputError("\n".join(lines))
    return Spec(title or (source_name or "").rsplit(".", 1)[0], tuple(examples), source_name, folder)


def _validate(source: Source) -> tuple[str, list[Example]]:
    data = source.data
    if data is None:
        source.problem((), "the file is empty; write a list of examples, each with a task and its texts")
        return "", []
    if isinstance(data, list):
        return "", _examples(source, data, (), {})
    if not isinstance(data, dict):
        source.problem((), "must be a list of examples, or a mapping with the key examples")
        return "", []
    if "schema_version" in data:
        source.problem((), "is the record of a run; draw its page with saliency-report render")
        return "", []
    known = ["title", "defaults", "examples"]
    for key in data.keys() - set(known):
        hint = (
            "; put it in an example"
            if key in NOT_IN_DEFAULTS
            else "; put it under defaults, or in an example"
            if key in all_fields()
            else did_you_mean(key, known) or f"; the keys are {listed(known)}"
        )
        source.problem((key,), f"unknown key{hint}", key=True)
    title = data.get("title", "")
    if "title" in data and (not isinstance(title, str) or not title.strip()):
        source.problem(("title",), f"must be text, not {kind_of(title)}; put it in quotes")
    defaults = data.get("defaults", {})
    if not isinstance(defaults, dict):
        source.problem(("defaults",), f"must be a mapping of fields, not {kind_of(defaults)}")
        defaults = {}
    for key in [*defaults]:
        if key in ("rationale", "id"):
            message = f"{'marks words of' if key == 'rationale' else 'names'} one example; put it in that example"
            source.problem(("defaults", key), message, key=True)
        elif key not in all_fields() - NOT_IN_DEFAULTS:
            hint = did_you_mean(key, sorted(all_fields() - NOT_IN_DEFAULTS))
            source.problem(("defaults", key), f"no task has this field{hint}", key=True)
    if "examples" not in data:
        source.problem((), "the key examples is missing; list the examples under it")
        return "", []
    if not isinstance(data["examples"], list):
        kind = kind_of(data["examples"])
        source.problem(("examples",), f"must be a list of examples, not {kind}; begin each with a dash")
        return "", []
    return str(title), _examples(source, data["examples"], ("examples",), defaults)


def _examples(source: Source, items: list[object], path: Loc, defaults: dict[str, object]) -> list[Example]:
    if not items:
        source.problem(path, "the list is empty; write at least one example")
    examples: list[Example] = []
    ids: dict[str, int] = {}
    for i, item in enumerate(items):
        example = _example(source, item, (*path, i), defaults)
        name = item.get("id") if isinstance(item, dict) else None
        if isinstance(name, str) and name:
            if name in ids:
                first = dotted((*path, ids[name]))
                source.problem((*path, i, "id"), f"{name!r} is already the id of {first}; give it another")
            ids.setdefault(name, i)
        if example:
            examples.append(example)
    taken = set(ids)
    for i, example in enumerate(examples):
        if not example.id:
            free = f"example-{i + 1}"
            while free in taken:
                free += "-a"
            taken.add(free)
            examples[i] = example.model_copy(update={"id": free})
    return examples


def _example(source: Source, item: object, path: Loc, defaults: dict[str, object]) -> Example | None:
    if not isinstance(item, dict):
        source.problem(path, f"must be a mapping with a task and its texts, not {kind_of(item)}")
        return None
    task = item.get("task", defaults.get("task"))
    if task is None:
        source.problem(path, f"the key task is missing; it is one of {listed(TASKS)}")
        return None
    if not isinstance(task, str) or task not in TASKS:
        at = (*path, "task") if "task" in item else ("defaults", "task")
        hint = did_you_mean(task, [*TASKS])
        source.problem(at, f"unknown task {kind_of(task)!r}{hint or f'; known are {listed(TASKS)}'}")
        return None
    model = TASKS[task]
    fields = {**inherited(task, defaults), "task": task, **item}
    before = len(source.problems)
    example = None
    try:
        example = model.model_validate(fields)
    except ValidationError as error:
        for detail in error.errors():
            explain(source, detail, path, model, item)
    given = Fields(source, path, item, fields)
    check_task(given)
    check_evidence(given)
    return example if len(source.problems) == before else None
