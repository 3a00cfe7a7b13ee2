"""From Python: explain examples, with methods of one's own where they are wanted, and get the record."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from saliency_report.aggregation import AGGREGATIONS
from saliency_report.engine import default_dtype, pick_device
from saliency_report.errors import InputError
from saliency_report.methods import METHODS, Attribution, Evaluated, Method, Start, Steps, Values
from saliency_report.page import render_page
from saliency_report.pipeline import Run
from saliency_report.record import Completeness, ExampleResult, Report, from_json, to_json
from saliency_report.spec import load_spec, parse_spec

__all__ = [
    "Attribution",
    "Completeness",
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
    examples: str | Path | Sequence[Mapping[str, Any]] | Mapping[str, Any],
    *,
    methods: Sequence[Method] = (),
    device: str | None = None,
    dtype: str | None = None,
    progress: Callable[[ExampleResult], None] | None = None,
    debug: bool = False,
) -> Report:
    """The report of a YAML file, or of what such a file holds: a list of examples, or a mapping with `examples`.

    `methods` are computed for every example, beside those that it asks for itself; `dtype` is `float32` on a CPU and
    else `auto`, the checkpoint's own; `progress` is called with each example as it is done. Model folders are looked up
    from the file's folder, or from the current one. What goes wrong with an example, or with a method of one's own,
    becomes a failure or a warning of that example; with `debug` it is raised where it happens.

    Raises:
        InputError: the input is wrong, or a method's name is taken, or its scores are none, unknown or doubled.
    """
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
    if isinstance(examples, str | Path):
        spec = load_spec(Path(examples))
    else:
        held = dict(examples) if isinstance(examples, Mapping) else [dict(example) for example in examples]
        spec = parse_spec(json.dumps(held), "examples", None, Path.cwd())
    told, chosen = progress or (lambda result: None), pick_device(device)
    return Run(spec, chosen, dtype or default_dtype(chosen), told, debug=debug, custom=methods).report()
