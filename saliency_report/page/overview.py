"""The run in a few sentences: what was asked, with which models, what came of it."""

from __future__ import annotations

from collections import Counter

from saliency_report.page.text import duration, moment, plural
from saliency_report.record import Model, Report


def task_name(task: str) -> str:
    """text-classification as it stands in a sentence."""
    return task.replace("-", " ")


def summary(report: Report) -> list[str]:
    """Sentences of counts, circumstances and time."""
    tasks = Counter(example.task for example in report.examples)
    failed = sum(example.failure is not None for example in report.examples)
    judged = [
        example.prediction
        for example in report.examples
        if example.prediction is not None and example.prediction.expected is not None
    ]
    warnings = len(report.warnings) + sum(len(example.warnings) for example in report.examples)
    parts = ", ".join(f"{count:,} of {task_name(task)}" for task, count in tasks.items())
    sentences = [f"{plural(len(report.examples), 'example')}: {parts}." if parts else "No examples."]
    sentences.append(f"{failed:,} failed." if failed else "None failed." if report.examples else "")
    if judged:
        right = sum(prediction.expected == prediction.predicted for prediction in judged)
        sentences.append(f"{right:,} of {len(judged):,} with an expected answer are right.")
    if warnings:
        sentences.append(f"{plural(warnings, 'warning')}.")
    source = f" from {report.source}" if report.source else ""
    where = f"Computed{source} on {report.device} in {duration(report.seconds)}"
    sentences.append(f"{where}, {moment(report.created_at)}.")
    return [sentence for sentence in sentences if sentence]


def identity(model: Model) -> str:
    """What finds these weights again: the commit on the Hub or the hash of the files."""
    small = "a small model for trying things out, " if model.source == "embedded" else ""
    if model.revision:
        return f"revision {model.revision[:12]}"
    if model.weights_sha256:
        return f"{small}weights sha256 {model.weights_sha256[:12]}"
    return "no revision or hash recorded"


def parameters(count: int) -> str:
    """22.7 million parameters."""
    if count < 1_000_000:
        return f"{count:,} parameters"
    scale, name = (1e9, "billion") if count >= 1e9 else (1e6, "million")
    return f"{count / scale:.3g} {name} parameters"
