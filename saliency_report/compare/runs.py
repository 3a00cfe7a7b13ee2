"""How two runs were made, side by side: models, methods, versions, settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from saliency_report.compare.record import Fact, Run
from saliency_report.page.made import Made
from saliency_report.record import Model, Report

_OF_MODEL = {
    "source": "source",
    "architecture": "architecture",
    "parameters": "parameters",
    "dtype": "number format",
    "revision": "revision",
    "weights_sha256": "weights sha256",
    "adapter": "adapter",
    "adapter_sha256": "adapter sha256",
    "bits": "quantised to bits",
    "devices": "devices",
    "random_weights": "random weights",
    "trust_remote_code": "remote code",
    "licence": "licence",
}
NOTHING = "–"


def run_of(report: Report, file: str) -> Run:
    """A record without its examples."""
    return Run(
        file=file,
        title=report.title,
        created_by=report.created_by,
        created_at=report.created_at,
        examples=len(report.examples),
        models=[model.name for model in report.models],
        methods=report.methods,
        aggregations=report.aggregations,
        warnings=report.warnings,
    )


def facts(old: Report, new: Report, models: Iterable[tuple[int, int]], made: tuple[Made, Made]) -> Iterator[Fact]:
    """Everything that is known of how both were made; `models` are pairs of indices that answered the same examples."""
    for before, now in dict.fromkeys(models):
        yield from _of_models(old.models[before], new.models[now])
    yield from _rows("Settings", *(dict([*held.settings().same, *held.settings().differing]) for held in made))
    yield from _rows("Run", _of_run(old), _of_run(new))
    yield from _rows("Versions", old.versions, new.versions)


def _of_models(old: Model, new: Model) -> Iterator[Fact]:
    title = old.name if old.name == new.name else f"{old.name} → {new.name}"
    before, now = ({name: _written(getattr(model, key)) for key, name in _OF_MODEL.items()} for model in (old, new))
    yield from _rows(f"Model {title}", {"name": old.name, **before}, {"name": new.name, **now})


def _of_run(report: Report) -> dict[str, str]:
    matmul = report.matmul and f"{report.matmul.library}, {report.matmul.error:.2g} off float64"
    return {
        "title": report.title,
        "input": _written(report.source),
        "command": _written(report.command),
        "methods": ", ".join(method.title for method in report.methods),
        "device": report.device,
        "products of matrices": _written(matmul),
        "rows": _written(report.rows),
        "created by": report.created_by,
    }


def _rows(of: str, old: dict[str, str], new: dict[str, str]) -> Iterator[Fact]:
    """What either side has; a line that says nothing on both is left out."""
    for name in dict.fromkeys([*old, *new]):
        before, now = old.get(name, NOTHING), new.get(name, NOTHING)
        if (before, now) != (NOTHING, NOTHING):
            yield Fact(of=of, name=name, old=before, new=now)


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or NOTHING
    if isinstance(value, int):
        return f"{value:,}"
    return NOTHING if value is None or value == "" else str(value)
