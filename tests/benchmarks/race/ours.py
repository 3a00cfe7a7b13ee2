"""This package, from its innermost loop to its whole command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor

from race.rounds import Answer
from race.subjects import Subject
from saliency_report import engine
from saliency_report.aggregation import Slopes
from saliency_report.models import Loaded, load
from saliency_report.packing import Budget, Item, batches, padded
from saliency_report.pipeline import Run
from saliency_report.record import Report
from saliency_report.sources import request
from saliency_report.spec import Spec, parse_spec
from saliency_report.tasks import TASKS
from saliency_report.tasks.encoding import Row

HERE = Path(__file__).parent.parent
# The numbers of a report that are held against the floor's.
Numbers = Callable[[Report], list[Tensor]]


def spec_of(subject: Subject, examples: Sequence[dict[str, Any]]) -> Spec:
    """Examples of one model as the input that a user writes."""
    common = {"task": subject.task, "model": subject.name}
    return parse_spec(json.dumps([{**common, **example} for example in examples]), "texts", None, Path())


def loaded_for(spec: Spec, device: torch.device, dtype: str) -> Loaded:
    """The model of a spec, as a run loads it."""
    return load(request(spec.examples[0], dtype), device, spec.folder)


def run(
    subject: Subject, examples: Sequence[dict[str, Any]], device: torch.device, dtype: str, numbers: Numbers
) -> Callable[[], Answer]:
    """From the parsed input to the record, with a model that is loaded already."""
    spec = spec_of(subject, examples)
    loaded = loaded_for(spec, device, dtype)

    def work() -> Answer:
        with patch("saliency_report.worker.load", lambda *_: loaded):
            report = Run(spec, device, dtype, lambda result: None).report()
        failures = [example.failure.message for example in report.examples if example.failure]
        assert not failures, failures[0]
        return Answer(numbers(report), _completeness(report))

    return work


def engine_alone(subject: Subject, texts: Sequence[str], device: torch.device, dtype: str) -> Callable[[], Answer]:
    """The engine's gradients of classified texts and all their scores, from the tokens on: no reading, no record."""
    spec = spec_of(subject, [{"text": text} for text in texts])
    return of_tokens(spec, loaded_for(spec, device, dtype))


def of_tokens(spec: Spec, loaded: Loaded) -> Callable[[], Answer]:
    """The engine on the texts of a spec."""
    task, device = TASKS[loaded.info.task], engine.device_of(loaded.model)
    items = [Item(i, example, task.prepare(example, loaded.checkpoint)) for i, example in enumerate(spec.examples)]
    items.sort(key=Item.size)
    budget = Budget(engine.token_budget(device))
    budget.most = engine.affordable(loaded.model, device)

    def norms(loaded: Loaded, batch: Sequence[Item]) -> list[Slopes]:
        rows = [row for item in batch for row in item.prepared.rows]
        return engine.gradients(loaded, rows, lambda logits: logits.max(dim=-1).values).gradients

    streams = engine.Streams(loaded, budget.tokens)

    def work() -> Answer:
        found = [torch.empty(0)] * len(items)
        with engine.float32_products(device):
            packed = batches(items, lambda total: streams.share(total, budget.tokens), "with any")
            for batch, gradients in streams.each(packed, norms, padded):
                for item, gradient in zip(batch, gradients(), strict=True):
                    found[item.place] = gradient.scores["l2"]
        return Answer(found)

    return work


def generated(subject: Subject, ids: list[int], known: int, device: torch.device, dtype: str) -> Callable[[], Answer]:
    """The engine's matrix of a text that was generated before, as gradient × input of the prompt's tokens."""
    return of_ids(loaded_for(spec_of(subject, [{"prompt": "a"}]), device, dtype), ids, known)


def of_ids(loaded: Loaded, ids: list[int], known: int) -> Callable[[], Answer]:
    """The matrix of a loaded model."""
    device = engine.device_of(loaded.model)
    of = torch.tensor(ids[known:], device=device)[:, None]
    budget = Budget(engine.token_budget(device))
    budget.most = engine.affordable(loaded.model, device)

    def work() -> Answer:
        row, spans = Row(ids), [(i, i) for i in range(known, len(ids))]

        def score(logits: Tensor) -> Tensor:
            return logits.log_softmax(dim=-1).gather(1, of)[:, 0]

        with engine.float32_products(device):
            _, _, found = engine.matrix(loaded, row, spans, score, budget.tokens)
            return Answer([slopes.scores["gradient_x_input"][:known] for slopes in found])

    return work


def command(spec_file: Path, page: Path, dtype: str, device: torch.device) -> Callable[[], Answer]:
    """The whole command line, from YAML to page, in a process of its own."""
    words = [sys.executable, "-m", "saliency_report", "run", str(spec_file), "-o", str(page), "-q"]
    words += ["--dtype", dtype, "--device", str(device)]

    def work() -> Answer:
        subprocess.run(words, check=True, capture_output=True, env=environment())
        return Answer([])

    return work


def bare(subject: Subject, texts: Path, tokens: int, dtype: str, device: torch.device) -> Callable[[], Answer]:
    """The floor in a process of its own, with the seconds of its loop and those around it."""
    words = [sys.executable, "-m", "race.bare", str(subject.folder), str(texts), str(tokens), dtype, str(device)]

    def work() -> Answer:
        begun = time.perf_counter()
        done = subprocess.run(words, check=True, capture_output=True, env=environment())
        loop = float(json.loads(done.stdout))
        return Answer([], {"loop": loop, "around": time.perf_counter() - begun - loop})

    return work


def environment() -> dict[str, str]:
    """For processes that use as many threads as this one, and find this package and these benchmarks."""
    path = os.pathsep.join([str(HERE.parent.parent), str(HERE)])
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": str(torch.get_num_threads())}


def scores_of(method: str, score: str) -> Numbers:
    """The token scores of each example's first map of a method; tokens without a score have 0."""

    def numbers(report: Report) -> list[Tensor]:
        maps = [next(m for m in example.maps if m.method == method) for example in report.examples]
        return [torch.tensor([value or 0.0 for value in own.scores[score]]) for own in maps]

    return numbers


def predicted_choices(report: Report) -> list[Tensor]:
    """The gradient norms of the choice that each question's model chooses."""
    found = []
    for example in report.examples:
        assert example.prediction is not None
        assert example.prediction.predicted is not None
        found.append(torch.tensor(example.maps[example.prediction.predicted].scores["l2"]))
    return found


def prompt_columns(known: int) -> Numbers:
    """Gradient × input of the prompt's tokens for each generated token."""

    def numbers(report: Report) -> list[Tensor]:
        maps = report.examples[0].maps
        return [torch.tensor(own.scores["gradient_x_input"][:known]) for own in maps]

    return numbers


def _completeness(report: Report) -> dict[str, float]:
    """How far the maps of path methods miss what they should add up to, and with how many points."""
    found = [m.completeness for example in report.examples for m in example.maps if m.completeness]
    if not found:
        return {}
    deltas = [own.relative or 0.0 for own in found]
    return {"worst delta": max(deltas), "points": sum(own.evaluated for own in found) / len(found)}
