"""An input file to a `Spec`, or every problem of the file at once.

A bare list of examples is complete; the full form is a mapping with `title`, `defaults` (any field of an example),
`examples`, and `examples_from` for rows of other files. Each message names file, line, column and path, and what to do
next.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from saliency_report.errors import InputError
from saliency_report.spec.asserted import assertions_of_the_run, check_used
from saliency_report.spec.asserting import Asserted
from saliency_report.spec.examples_from import examples_from
from saliency_report.spec.fields import NOT_IN_DEFAULTS, Example, all_fields
from saliency_report.spec.item import example_of
from saliency_report.spec.source import Loc, Source, dotted, parse
from saliency_report.spec.values import did_you_mean, kind_of, listed


@dataclass(frozen=True)
class Spec:
    """What the person asked for."""

    title: str
    examples: tuple[Example, ...]
    source: str | None = None
    folder: Path = Path()
    rows: tuple[str, ...] = ()  # which rows of which files or data sets are among the examples
    assertions: tuple[Asserted, ...] = ()  # of the run

    @property
    def asserts(self) -> bool:
        """Whether anything is asserted."""
        return bool(self.assertions) or any(example.assertions for example in self.examples)

    def first(self, count: int) -> Spec:
        """The first so many examples, and a word about it where rows are told of."""
        if count >= len(self.examples):
            return self
        left = f"Of these and all other examples the first {count:,} alone were explained"
        return replace(self, examples=self.examples[:count], rows=(*self.rows, *[left] * bool(self.rows)))


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
    """Validate YAML text; `name` stands in messages, model folders and files of rows are looked up from `folder`."""
    source = parse(text)
    readable = not source.problems or source.data is not None
    title, examples, rows = _validate(source, folder) if readable else ("", [], [])
    assertions = _of_the_run(source, examples)
    if source.problems or source.elsewhere:
        lines = [
            f"{name}:{p.line}:{p.column}: {p.path}{': ' if p.path else ''}{p.message}"
            for p in sorted(set(source.problems))
        ]
        raise InputError("\n".join([*lines, *source.elsewhere]))
    return Spec(
        title or (source_name or "").rsplit(".", 1)[0], tuple(examples), source_name, folder, tuple(rows), assertions
    )


def _validate(source: Source, folder: Path) -> tuple[str, list[Example], list[str]]:
    data = source.data
    if data is None:
        source.problem((), "the file is empty; write a list of examples, each with a task and its texts")
        return "", [], []
    if isinstance(data, list):
        return "", _examples(source, data, (), {}, {}), []
    if not isinstance(data, dict):
        source.problem((), "must be a list of examples, or a mapping with the key examples")
        return "", [], []
    if "schema_version" in data:
        source.problem((), "is the record of a run; draw its page with saliency-report render")
        return "", [], []
    known = ["title", "defaults", "assert", "examples", "examples_from"]
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
    if "examples" not in data and "examples_from" not in data:
        source.problem((), "the key examples is missing; list the examples under it")
        return "", [], []
    ids: dict[str, str] = {}
    examples: list[Example] = []
    if "examples" in data and not isinstance(data["examples"], list):
        kind = kind_of(data["examples"])
        source.problem(("examples",), f"must be a list of examples, not {kind}; begin each with a dash")
    elif "examples" in data:
        examples = _examples(source, data["examples"], ("examples",), defaults, ids)
    given, rows = data.get("examples_from", []), []
    several = isinstance(given, list)
    if several and not given and "examples_from" in data:
        source.problem(("examples_from",), "the list is empty; write at least one file or dataset, or leave it out")
    for i, item in enumerate(given if several else [given]):
        path: Loc = ("examples_from", i) if several else ("examples_from",)
        found, sentence = examples_from(source, item, path, defaults, folder, ids)
        examples += found
        rows.append(sentence)
    return str(title), examples, rows


def _of_the_run(source: Source, examples: list[Example]) -> tuple[Asserted, ...]:
    """What is asserted of the run; what nothing can come of is noted, where the examples are right."""
    data = source.data if isinstance(source.data, dict) else {}
    asserted = assertions_of_the_run(source, data["assert"]) if "assert" in data else ()
    if not source.problems and not source.elsewhere:
        used = {(one.default, one.of) for example in examples for one in example.assertions}
        check_used(source, data.get("defaults", {}), used)
        passing = [one for one in asserted if one.name == "share_of_examples_passing"]
        if passing and not used:
            message = "share_of_examples_passing needs an example that asserts something; write assert under defaults"
            source.problem(("assert",), message)
    return asserted


def _examples(
    source: Source, items: list[object], path: Loc, defaults: dict[str, object], ids: dict[str, str]
) -> list[Example]:
    """The examples of a list; `ids` gets their names, each with its place."""
    if not items:
        source.problem(path, "the list is empty; write at least one example")
    examples: list[Example] = []
    for i, item in enumerate(items):
        example = example_of(source, item, (*path, i), defaults)
        name = item.get("id") if isinstance(item, dict) else None
        if isinstance(name, str) and name:
            if name in ids:
                source.problem((*path, i, "id"), f"{name!r} is already the id of {ids[name]}; give it another")
            ids.setdefault(name, dotted((*path, i)))
        if example:
            examples.append(example)
    for i, example in enumerate(examples):
        if not example.id:
            free = f"example-{i + 1}"
            while free in ids:
                free += "-a"
            ids[free] = dotted((*path, i))
            examples[i] = example.model_copy(update={"id": free})
    return examples
