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
    """The model's name; where others are called so too, with its task, or with its place if they share that as well."""
    model = report.models[index]
    alike = [other for other in report.models if other.name == model.name]
    if len(alike) == 1:
        return model.name
    same_task = sum(other.task == model.task for other in alike) > 1
    return f"{model.name} ({f'model {index + 1}' if same_task else task_name(model.task)})"


def parameters(count: int) -> str:
    """22.7 million parameters."""
    if count < 1_000_000:
        return f"{count:,} parameters"
    scale, name = (1e9, "billion") if count >= 999.5e6 else (1e6, "million")
    return f"{float(f'{count / scale:.3g}'):,g} {name} parameters"
