"""The run in a few words: where and when it was computed, and with which models."""

from __future__ import annotations

from saliency_report.page.text import duration, moment
from saliency_report.record import Model, Report


def task_name(task: str) -> str:
    """text-classification as it stands in a sentence."""
    return task.replace("-", " ").replace("zero shot", "zero-shot")


def summary(report: Report) -> str:
    """Circumstances and time; `run_overview` has the counts."""
    source = f" from {report.source}" if report.source else ""
    where = f"Computed{source} on {report.device} in {duration(report.seconds)}"
    return f"{where}, {moment(report.created_at)}."


def identity(model: Model) -> str:
    """What finds these weights again: the commit on the Hub or the hash of the files."""
    small = "a small model for trying things out, " if model.source == "embedded" else ""
    if model.revision:
        return f"revision {model.revision[:12]}"
    if model.weights_sha256:
        return f"{small}weights sha256 {model.weights_sha256[:12]}"
    return "no revision or hash recorded"


def model_name(report: Report, index: int) -> str:
    """The model's name; with its place where others are called so too, such as the same weights in another dtype."""
    name = report.models[index].name
    return name if [model.name for model in report.models].count(name) == 1 else f"{name} (model {index + 1})"


def parameters(count: int) -> str:
    """22.7 million parameters."""
    if count < 1_000_000:
        return f"{count:,} parameters"
    scale, name = (1e9, "billion") if count >= 999.5e6 else (1e6, "million")
    return f"{float(f'{count / scale:.3g}'):,g} {name} parameters"
