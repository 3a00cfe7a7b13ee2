"""An input file to a `Spec`, or every problem of the file at once.

A bare list of examples is complete; the full form is a mapping with `title`, `defaults` (any field of an example)
and `examples`. Each message names file, line, column and path, and what to do next.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from saliency_report.errors import InputError
from saliency_report.spec.fields import DTYPES, TASKS, Example, all_fields, kind_of
from saliency_report.spec.source import Loc, Source, dotted, parse


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
    known = ["title", "defaults", "examples"]
    for key in data.keys() - set(known):
        hint = (
            "; put it under defaults, or in an example"
            if key in all_fields()
            else _did_you_mean(key, known) or f"; the keys are {_list(known)}"
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
        if key not in all_fields() - {"id"}:
            hint = _did_you_mean(key, sorted(all_fields() - {"id"}))
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
        source.problem(path, f"the key task is missing; it is one of {_list(TASKS)}")
        return None
    if not isinstance(task, str) or task not in TASKS:
        at = (*path, "task") if "task" in item else ("defaults", "task")
        hint = _did_you_mean(task, [*TASKS])
        source.problem(at, f"unknown task {kind_of(task)!r}{hint or f'; known are {_list(TASKS)}'}")
        return None
    model = TASKS[task]
    inherited = {key: value for key, value in defaults.items() if key in model.model_fields}
    fields = {**inherited, "task": task, **item}
    before = len(source.problems)
    example = None
    try:
        example = model.model_validate(fields)
    except ValidationError as error:
        for detail in error.errors():
            _explain(source, detail, path, model, item)
    if task == "text-generation" and fields.get("continuation") and "max_new_tokens" in item:
        message = "has no effect beside continuation, which is explained as it stands; leave one out"
        source.problem((*path, "max_new_tokens"), message, key=True)
    if task == "multiple-choice":
        _check_choices(source, fields, path)
    return example if len(source.problems) == before else None


def _explain(source: Source, detail: ErrorDetails, path: Loc, model: type[Example], item: dict[str, object]) -> None:
    """Turn pydantic's finding into a message about the person's own text."""
    loc: Loc = tuple(detail["loc"])
    kind, context = detail["type"], detail.get("ctx", {})
    # A field that the example does not have came from the defaults: its mistake stands there.
    where = (*path, *loc) if loc[0] in item or kind == "missing" else ("defaults", *loc)
    if kind == "extra_forbidden":
        others = [name for name, other in TASKS.items() if loc[0] in other.model_fields]
        hint = f"; it belongs to {_list(others)}" if others else ""
        task = get_args(model.model_fields["task"].annotation)[0]
        hint = hint or _did_you_mean(loc[0], [*model.model_fields])
        hint = hint or f"; {task} knows {_list(model.model_fields)}"
        source.problem(where, f"unknown key{hint}", key=True)
    elif kind == "missing":
        what = model.model_fields[str(loc[0])].description
        source.problem(where, f"is missing; write it: {what}")
    elif kind == "too_short":
        source.problem(
            where,
            f"has {context['actual_length']}, needs {context['min_length']} or more;"
            " a single answer leaves nothing to choose",
        )
    elif kind == "bool_type":
        source.problem(where, f"must be true or false, not {kind_of(detail['input'])}")
    elif kind in ("int_type", "greater_than_equal", "less_than_equal"):
        source.problem(where, f"must be a whole number from 1 to 1024, not {kind_of(detail['input'])}")
    elif kind == "literal_error":
        source.problem(where, f"must be one of {_list(DTYPES)}, not {kind_of(detail['input'])}")
    elif kind == "list_type":
        source.problem(where, f"must be a list, not {kind_of(detail['input'])}; begin each entry with a dash")
    else:
        source.problem(where, detail["msg"])


def _check_choices(source: Source, fields: dict[str, object], path: Loc) -> None:
    """What only shows between fields; types are pydantic's part, so other types are passed over."""
    choices = fields.get("choices")
    if not isinstance(choices, list) or not all(isinstance(choice, str) for choice in choices):
        return
    for i, choice in enumerate(choices):
        if choice and choice in choices[:i]:
            source.problem((*path, "choices", i), f"{choice!r} stands twice; choices must differ")
    for field, word in (("answer", None), ("target", "predicted"), ("foil", "runner-up")):
        value = fields.get(field)
        if value is None or value == word:
            continue
        if isinstance(value, int) and not isinstance(value, bool) and not 0 <= value < len(choices):
            last = len(choices) - 1
            source.problem((*path, field), f"index {value} is not among the choices 0 to {last}")
        elif isinstance(value, int) and str(value) in choices and choices.index(str(value)) != value:
            message = f"{value} is an index, and '{value}' another choice; write '{value}' in quotes, or the choice"
            source.problem((*path, field), message)
        if isinstance(value, str) and value not in choices:
            known = [*choices, *([word] if word else [])]
            hint = _did_you_mean(value, known) or f"; the choices are {_list(choices)}"
            source.problem((*path, field), f"{value!r} is not among the choices{hint}")
    target, foil = (
        choices.index(value) if isinstance(value, str) and value in choices else value
        for value in (fields.get("target"), fields.get("foil"))
    )
    if foil is not None and foil == target:
        source.problem((*path, "foil"), "is the target itself; their difference is always 0")


def _did_you_mean(word: object, known: list[str]) -> str:
    close = difflib.get_close_matches(str(word), known, n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


def _list(words: Iterable[str]) -> str:
    return ", ".join(str(word) for word in words)
