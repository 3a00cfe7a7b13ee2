"""From Python: explain examples, with methods of one's own where they are wanted, and get the record."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from saliency_report.aggregation import AGGREGATIONS
from saliency_report.engine import pick_device
from saliency_report.errors import InputError
from saliency_report.methods import METHODS, Attribution, Evaluated, Method, Start, Steps, Values
from saliency_report.page import render_page
from saliency_report.pipeline import Run
from saliency_report.record import ExampleResult, Report, from_json, to_json
from saliency_report.spec import load_spec, parse_spec

__all__ = [
    "Attribution",
    "Evaluated",
    "Method",
    "Start",
    "Steps",
    "Values",
    "explain",
    "from_json",
    "render_page",
    "to_json",
]


def explain(
    examples: str | Path | Sequence[Mapping[str, Any]],
    *,
    methods: Sequence[Method] = (),
    device: str | None = None,
    dtype: str = "float32",
    progress: Callable[[ExampleResult], None] | None = None,
) -> Report:
    """The report of a YAML file, or of a list of examples with the fields that such a file has.

    `methods` are computed for every example, beside those that it asks for itself; `progress` is called with each
    example as it is done. Model folders are looked up from the file's folder, or from the current one.

    Raises:
        InputError: the input is wrong, or a method's name is taken, or it has a score that there is not.
    """
    taken = set(METHODS)
    for method in methods:
        if method.name in taken:
            raise InputError(f"There is already a method {method.name!r}.", "Give yours another name.")
        unknown = [name for name in method.scores if name not in AGGREGATIONS] if method.scores else ["none at all"]
        if unknown or method.attribute is None:
            wrong = f"the scores {', '.join(unknown)}" if unknown else "no function to compute it"
            raise InputError(f"The method {method.name!r} has {wrong}.", f"Scores are {', '.join(AGGREGATIONS)}.")
        taken.add(method.name)
    if isinstance(examples, str | Path):
        spec = load_spec(Path(examples))
    else:
        spec = parse_spec(json.dumps([dict(example) for example in examples]), "examples", None, Path.cwd())
    return Run(spec, pick_device(device), dtype, progress or (lambda result: None), custom=methods).report()
