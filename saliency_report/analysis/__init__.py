"""What an example asks for beyond the plain gradient, as one computation that shares its batches with others'."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from saliency_report.analysis.evidence import (
    agreed,
    direction,
    faithfulness,
    layer_by_layer,
    plausible,
    unmeasured_marks,
)
from saliency_report.analysis.maps import method_map
from saliency_report.analysis.randomisation import randomisations
from saliency_report.analysis.subject import Facts, Subject
from saliency_report.errors import ExampleError
from saliency_report.methods import Method
from saliency_report.record import Evidence, ExampleResult, Map, Randomisation
from saliency_report.scheduling import Question

__all__ = ["Facts", "Subject", "analyse", "randomisations"]


def analyse(subject: Subject, drawn: Randomisation | str | None) -> Generator[Question, Any, ExampleResult]:
    """The result with the maps of all its methods and its evidence, which is about the headline map's target.

    What cannot be computed becomes a warning of the result; everything else stays. `drawn` is what the check with
    random weights found, or why it could not be made.
    """
    result, example = subject.result, subject.example
    maps, warnings = [*result.maps], [*result.warnings]
    about = [result.headline]  # the maps of the headline's target, one a method
    for made, said in (yield from _of_all_targets(subject)):
        about += [len(maps) + place for place, index in enumerate(made) if index == result.headline]
        maps += made.values()
        warnings += said
    if example.rationale:
        warnings += unmeasured_marks(subject, result.maps[result.headline])
        for index in about:
            maps[index] = maps[index].model_copy(update={"plausibility": plausible(subject, maps[index])})
    compared = [(index, maps[index]) for index in about]
    parts: list[tuple[str, str, bool, Callable[[], Generator[Question, Any, Any]]]] = [
        ("faithfulness", "Faithfulness", example.faithfulness, lambda: faithfulness(subject, compared)),
        ("direction", "The direction of the gradient", example.flips > 0, lambda: direction(subject)),
        ("layers", "The gradient layer by layer", example.layers, lambda: layer_by_layer(subject)),
    ]
    if isinstance(drawn, str):
        warnings.append(drawn)
        drawn = None
    found: dict[str, Any] = {}
    alike = agreed(subject, compared) if len(compared) > 1 else None
    found |= {"agreement": alike} if alike else {}
    found |= {"randomisation": drawn} if drawn else {}
    for name, title, asked, compute in parts:
        if asked:
            try:
                found[name] = yield from compute()
            except Exception as error:  # one part costs no other
                warnings.append(f"{title} could not be computed. {subject.failure(error)}")
    evidence = Evidence(**found) if found else None
    return result.model_copy(update={"maps": maps, "warnings": warnings, "evidence": evidence})


def _of_all_targets(subject: Subject) -> Generator[Question, Any, list[tuple[dict[int, Map], list[str]]]]:
    """Of each method its maps by the index of the gradient's map for the same target, and what to say of those missing.

    One target after the other, since its methods share what they compute of it.
    """
    names, count = [name for name in dict.fromkeys(subject.asked) if name != "gradient"], len(subject.result.maps)
    made: dict[str, dict[int, Map]] = {name: {} for name in names}
    problems: dict[str, list[ExampleError]] = {name: [] for name in names}
    for index in range(count):
        for name in names:
            try:
                made[name][index] = yield from method_map(subject, index, subject.methods[name])
            except Exception as error:
                problems[name].append(subject.failure(error))
        subject.memory.clear()
    return [(made[name], _missing(subject.methods[name], problems[name], count)) for name in names]


def _missing(method: Method, problems: list[ExampleError], count: int) -> list[str]:
    where = f" for {len(problems)} of {count} targets" if len(problems) < count else ""
    return [f"{method.title} could not be computed{where}. {error}" for error in problems[:1]]
