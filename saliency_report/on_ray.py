"""The windows of a run on several processes or machines, through Ray: actors that each hold a model."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from saliency_report import engine
from saliency_report.errors import ExampleError, InputError
from saliency_report.models import quiet
from saliency_report.outcomes import Outcomes
from saliency_report.packing import Budget
from saliency_report.worker import Answer, Setting, Window, Worker

INSTALL = "pip install 'saliency-report[ray]'"
# How often a window is tried again whose process died; then its examples have failed.
RETRIES = 2
DIED = ExampleError(
    f"The process that explained it died, {RETRIES + 1} times.",
    "It may have run out of memory: use a smaller model or a shorter text, or fewer --workers.",
)


@dataclass(frozen=True)
class OnRay:
    """Deals the windows of a run out to `workers` actors, or as many as there are GPUs or else processors.

    `address` names a cluster as `ray.init` takes it; without one Ray is started on this machine and ended with the run.

    Raises:
        InputError: Ray is not installed, or there is no such cluster.
    """

    address: str | None = None
    workers: int | None = None

    def __call__(self, setting: Setting, windows: Sequence[Window]) -> Iterator[Answer]:
        """The answers of all windows, in the order in which they are done."""
        ray = _started(self.address)
        try:
            yield from self._dealt(ray, setting, windows)
        finally:
            ray.shutdown()

    def _dealt(self, ray: Any, setting: Setting, windows: Sequence[Window]) -> Iterator[Answer]:
        on_gpu = setting.device.type == "cuda"
        there = ray.cluster_resources().get("GPU" if on_gpu else "CPU", 1)
        count = max(1, min(self.workers or int(there), len(windows)))
        # Ray shows an actor its own GPU as the first one.
        setting = replace(setting, device=torch.device(setting.device.type))
        actor = ray.remote(num_cpus=1, num_gpus=int(on_gpu), max_restarts=-1, max_task_retries=RETRIES)(_Actor)
        idle = [actor.remote(setting) for _ in range(count)]
        waiting = list(reversed(windows))
        running: dict[Any, tuple[Any, Window]] = {}
        while waiting or running:
            while waiting and idle:
                window, free = waiting.pop(), idle.pop()
                running[free.explain.remote(window)] = free, window
            (done, *_), _ = ray.wait([*running], num_returns=1)
            free, window = running.pop(done)
            idle.append(free)
            try:
                answers = ray.get(done)
            except ray.exceptions.RayActorError:
                answers = _died(setting, window)
            yield from answers


class _Actor:
    """A worker in a process of its own."""

    def __init__(self, setting: Setting) -> None:
        if not setting.debug:
            quiet()
        engine.float32_products(setting.device).__enter__()  # until the process ends
        self.worker = Worker(setting)

    def explain(self, window: Window) -> list[Answer]:
        return list(self.worker.explain(window))


def _died(setting: Setting, window: Window) -> list[Answer]:
    outcomes = Outcomes(Budget(setting.budget), setting.debug)
    for place, example in window.examples:
        if place not in window.done:
            outcomes.fail(place, example, DIED)
    return [Answer(window.group, place, result, None, setting.budget) for place, result in outcomes.ready]


def _started(address: str | None) -> Any:
    try:
        import ray
    except ImportError as error:
        raise InputError("--engine ray needs Ray, which is not installed.", INSTALL) from error
    # Nothing of a run leaves the machine but what its actors need.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    quietly: Any = {"logging_level": logging.ERROR, "log_to_driver": False}
    if address is None:
        ray.init(include_dashboard=False, **quietly)
        return ray
    nobody = InputError(f"--ray-address {address}: there is no Ray cluster.", "Start one with `ray start --head`.")
    try:
        host, _, port = address.rpartition(":")
        if host and port.isdigit() and "/" not in host:
            # Ray itself tries for two minutes, and then ends the process.
            socket.create_connection((host, int(port)), timeout=10).close()
        ray.init(address=address, **quietly)
    except (OSError, ValueError, RuntimeError) as error:
        raise nobody from error
    return ray
