"""What one example asserts: its own, and of the defaults what fits it and what it does not assert itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from saliency_report.spec.asserting import OF_EXAMPLE, OF_RUN, Asserted, Kind, read_list
from saliency_report.spec.assertion_values import Problem
from saliency_report.spec.checks import Fields
from saliency_report.spec.source import Loc, Source
from saliency_report.spec.texts import SPECIAL, own_texts, part_spans, whole_words
from saliency_report.spec.values import did_you_mean, did_you_mean_within, listed

OF_THE_RUN = "is of the run; write it under assert at the top of the file, beside examples"
OF_AN_EXAMPLE = "is of an example; write it there, or under defaults"


def assertions_of(fields: Fields, defaults: dict[str, object]) -> tuple[Asserted, ...]:
    """The assertions of an example; what is wrong with its own, or with the defaults, is noted."""
    own: list[tuple[int, Asserted]] = []
    if "assert" in fields.own:
        own = _read(fields, (*fields.path, "assert"), fields.own["assert"])
        own = [pair for pair in own if not _noted(fields, pair, _misfits)]
    common = _read(fields, ("defaults", "assert"), defaults["assert"]) if "assert" in defaults else []
    common = [(i, replace(asserted, default=i)) for i, asserted in common]
    itself = {(asserted.name, asserted.of) for _, asserted in own}
    fitting = [
        (i, asserted)
        for i, asserted in common
        if (asserted.name, asserted.of) not in itself and not any(_misfits(fields, asserted))
    ]
    line, _ = fields.source.where(fields.path)
    # Only what is there can be asked whether it can be tested.
    found = [pair for pair in (*fitting, *own) if not _noted(fields, pair, _lacks)]
    return tuple(replace(asserted, line=line) for _, asserted in found)


def assertions_of_the_run(source: Source, value: object) -> tuple[Asserted, ...]:
    """The assertions at the top of a file; what is wrong is noted."""
    found = read_list(value, OF_RUN, OF_AN_EXAMPLE, _noting(source, ("assert",)))
    line, _ = source.where(("assert",))
    return tuple(replace(asserted, line=line) for _, asserted in found)


def check_used(source: Source, defaults: dict[str, object], used: set[tuple[int | None, str]]) -> None:
    """Note the assertions of the defaults that no example has: a slip of the pen would pass in silence."""
    if "assert" not in defaults:
        return
    for i, asserted in read_list(defaults["assert"], OF_EXAMPLE, OF_THE_RUN, lambda within, message: None):
        if (i, asserted.of) not in used:
            message = "holds for no example: it fits none, or each asserts the same itself; leave it out"
            source.problem(("defaults", "assert", i, *_within(asserted)), message)


def _read(fields: Fields, path: Loc, value: object) -> list[tuple[int, Asserted]]:
    return read_list(value, OF_EXAMPLE, OF_THE_RUN, _noting(fields.source, path))


def _noting(source: Source, path: Loc) -> Problem:
    return lambda within, message: source.problem((*path, *within), message)


def _within(asserted: Asserted) -> Loc:
    """Where in its entry an assertion stands."""
    parted = asserted.name in ("top_words", "max_share")
    return (asserted.name, asserted.of) if parted else (asserted.name,)


def _noted(
    fields: Fields, pair: tuple[int, Asserted], find: Callable[[Fields, Asserted], Iterator[tuple[str, str]]]
) -> bool:
    """Whether something is wrong with an assertion; it is noted, at the example's own field that it is about."""
    i, asserted = pair
    found = [*find(fields, asserted)]
    for message, field in found:
        if asserted.default is None:
            place: Loc = (*fields.path, "assert", i, *_within(asserted))
        elif field in fields.own:
            place = (*fields.path, field)
            message = f"{asserted.name} under defaults {message}"
        else:
            place = ("defaults", "assert", i, *_within(asserted))
        fields.source.problem(place, message)
    return bool(found)


def _misfits(fields: Fields, asserted: Asserted) -> Iterator[tuple[str, str]]:
    """Why an assertion is not for such an example: its task, what it is told, or a text that it has not."""
    given, task, name = fields.all, fields.all["task"], asserted.name
    kind: Kind = OF_EXAMPLE[name]
    if kind.tasks and task not in kind.tasks:
        instead = f"; {kind.instead}" if kind.instead else "; leave it out"
        yield f"does not fit {task}: it is for {listed(kind.tasks)}{instead}", ""
    elif given.get("problem_type") == "regression" and kind.tasks:
        what = "a number has no probability" if name == "min_confidence" else "the answer is a number"
        yield f"does not fit problem_type: regression, where {what}; leave it out", ""
    elif name == "generated_contains" and given.get("continuation") is not None:
        yield "does not fit a continuation that is given, not generated; leave one out", ""
    elif name == "prediction":
        yield from _not_listed(fields, asserted.value)
    elif name in ("top_words", "max_share"):
        yield from _not_there(fields, asserted)


def _not_listed(fields: Fields, value: Any) -> Iterator[tuple[str, str]]:
    listing = {"multiple-choice": "choices", "zero-shot-classification": "candidate_labels"}.get(fields.all["task"])
    known = fields.all.get(listing) if listing else None
    if isinstance(known, list) and all(isinstance(word, str) for word in known):
        for name in value if isinstance(value, list) else [value]:
            if name not in known and not (isinstance(name, int) and 0 <= name < len(known)):
                hint = did_you_mean(name, known) or f"; they are {listed(known)}"
                yield f"{name!r} is not among the {listing}{hint}", ""


def _not_there(fields: Fields, asserted: Asserted) -> Iterator[tuple[str, str]]:
    texts = own_texts(fields.all["task"], fields.all)
    if asserted.of == SPECIAL or not texts or not all(isinstance(text, str) for text in texts.values()):
        return
    where = "any message" if "messages" in fields.all else " or ".join(texts)
    if asserted.name == "max_share":
        if not part_spans(asserted.of, texts):
            hint = did_you_mean_within(asserted.of, texts.values()) or "; copy words from there"
            yield f"{asserted.of!r} does not occur in {where}{hint}", ""
        return
    words = asserted.value[asserted.of]
    absent = [word for word in words if not any(whole_words(word, text) for text in texts.values())]
    # Of the defaults, words to include that an example has not are told with its results: a reason that it cannot have.
    if asserted.default is None or (asserted.of == "exclude" and len(absent) == len(words)):
        for word in absent:
            yield f"{word!r} is no word of {where}; copy words from there", ""


def _lacks(fields: Fields, asserted: Asserted) -> Iterator[tuple[str, str]]:
    """What an assertion needs that the example does not compute, and the field that would ask for it."""
    methods = fields.all.get("methods", [])
    methods = [methods] if isinstance(methods, str) else methods
    if not isinstance(methods, list):
        return
    asked = [str(name) for name in methods if name != "gradient"]
    if asserted.name == "completeness" and not {"integrated_gradients", "all"} & {*asked}:
        needed = listed(["integrated_gradients", *asked])
        yield f"needs a map that should add up; write methods: [{needed}]", "methods"
    if asserted.name == "agreement" and not {asserted.of, "all"} & {*asked}:
        yield f"needs the map of {asserted.of}; write methods: [{listed([*asked, asserted.of])}]", "methods"
    if asserted.name == "more_faithful_than_random" and fields.all.get("faithfulness") is not True:
        yield "needs the test; write faithfulness: true", "faithfulness"
