"""From Python: explain examples, with a model and methods of one's own where they are wanted, and get the record."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from saliency_report.aggregation import AGGREGATIONS
from saliency_report.engine import default_dtype, pick_device
from saliency_report.errors import InputError
from saliency_report.explanation import Explanation, render
from saliency_report.given import Given
from saliency_report.methods import METHODS, Attribution, Evaluated, Method, Start, Steps, Values
from saliency_report.page import render_page
from saliency_report.pipeline import Run
from saliency_report.record import Completeness, ExampleResult, Report, from_json, read_report, to_json
from saliency_report.spec import Spec, load_spec, parse_spec

__all__ = [
    "Attribution",
    "Completeness",
    "Evaluated",
    "Explanation",
    "Method",
    "Start",
    "Steps",
    "Values",
    "explain",
    "from_json",
    "load",
    "render",
    "render_page",
    "to_json",
]

Examples = str | Path | Sequence[Mapping[str, Any]] | Mapping[str, Any]


def explain(
    examples: Examples | None = None,
    *,
    model: Any = None,
    tokenizer: Any = None,
    methods: str | Method | Sequence[str | Method] = (),
    device: str | None = None,
    dtype: str | None = None,
    progress: Callable[[ExampleResult], None] | None = None,
    debug: bool = False,
    **fields: Any,
) -> Explanation:
    """The report of one example, given by its fields, or of a YAML file, or of what such a file holds.

        >>> report = explain(text="I hated it.", task="text-classification")
        >>> report.examples[0].prediction.outcomes[0].label
        'NEGATIVE'
        >>> report.to_pandas()[["word", "l2"]].sort_values("l2").iloc[-1].word
        'hated'

    Any field of the input may be given; beside a file, a list of examples or a mapping with `examples` they are its
    defaults. `model` is a name as in the input, or a model of transformers with its `tokenizer`, which is left as it
    was. `methods` are names, or methods of one's own, which are computed for every example; `dtype` is `float32` on a
    CPU and else `auto`, the checkpoint's own; `progress` is called with each example as it is done. Model folders are
    looked up from the file's folder, or from the current one.

    What comes back is the record. The scores of a map, one for each of t tokens and of w words, are raw: in units of
    F, such as a logit, a unit of embedding, and `gradient_x_input` and `attribution` in those of F alone. What goes
    wrong with an example, or with a method of one's own, becomes a failure or a warning of that example; with `debug`
    it is raised where it happens.

    Raises:
        InputError: the input is wrong, a model comes without its tokenizer, or a method's name is taken, or its scores
            are none, unknown or doubled.
    """
    asked = [methods] if isinstance(methods, str | Method) else [*methods]
    own = [method for method in asked if isinstance(method, Method)]
    _check(own)
    if named := [method for method in asked if not isinstance(method, Method)]:
        fields["methods"] = named
    given = None if model is None or isinstance(model, str | Path) else Given(model, tokenizer)
    if given and tokenizer is None:
        raise InputError(
            "A model in memory needs its tokenizer.", "Write explain(…, model=model, tokenizer=tokenizer)."
        )
    if given and (device or dtype):
        raise InputError("A model in memory has its device and dtype.", "Move the model itself: model.to(…).")
    if not given and tokenizer is not None:
        raise InputError("The tokenizer is that of a model in memory.", "Give the model too, or leave both to a name.")
    if model is not None:
        fields["model"] = given.name if given else str(model)
    spec = _spec(examples, fields)
    told = progress or (lambda result: None)
    chosen = given.base.device if given else pick_device(device)
    run = Run(spec, chosen, dtype or default_dtype(chosen), told, debug=debug, custom=own, given=given)
    with given.undo if given else nullcontext():
        return _explanation(run.report())


def load(path: str | Path) -> Explanation:
    """The report of a record that `save`, or `saliency-report run --json`, wrote; needs no model.

    Raises:
        InputError: the file cannot be read, or is not a record.
    """
    return _explanation(read_report(Path(path)))


def _explanation(report: Report) -> Explanation:
    return Explanation.model_construct(**dict(report))


def _check(methods: Sequence[Method]) -> None:
    # Rankings of a report are named by their methods, their scores or leave_one_out.
    taken = {*METHODS, *AGGREGATIONS, "leave_one_out"}
    for method in methods:
        if method.name in taken:
            raise InputError(f"The name {method.name!r} is taken.", "Give your method another one.")
        unknown = [name for name in method.scores if name not in AGGREGATIONS] if method.scores else ["none at all"]
        if unknown or method.attribute is None:
            wrong = f"the scores {', '.join(unknown)}" if unknown else "no function to compute it"
            raise InputError(f"The method {method.name!r} has {wrong}.", f"Scores are {', '.join(AGGREGATIONS)}.")
        if len(set(method.scores)) < len(method.scores):
            raise InputError(f"The method {method.name!r} names a score twice.", "Name each once.")
        taken.add(method.name)


def _spec(examples: Examples | None, fields: Mapping[str, Any]) -> Spec:
    """What is asked for; fields are those of one example, or the defaults of several."""
    if isinstance(examples, str | Path):
        if fields:
            raise InputError(f"{', '.join(fields)}: a file has its own fields.", "Write them in its `defaults`.")
        return load_spec(Path(examples))
    if examples is None:
        held: Any = [fields]
    elif not fields:
        held = examples if isinstance(examples, Mapping) else [*examples]
    else:
        whole: Mapping[str, Any] = examples if isinstance(examples, Mapping) else {"examples": [*examples]}
        held = {**whole, "defaults": {**whole.get("defaults", {}), **fields}}
    return parse_spec(json.dumps(held, default=_plain), "examples", None, Path.cwd())


def _plain(value: Any) -> Any:
    """Mappings, sequences and paths of any kind as JSON has them."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    if isinstance(value, Path):
        return str(value)
    raise InputError(f"{value!r} of type {type(value).__name__} is no value of an input.", "Give text or numbers.")
