"""A run that goes on where an earlier one ended: what its journal has is taken from there, the rest is computed."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

import torch
import transformers

from saliency_report import __version__, engine, record
from saliency_report.errors import ExampleError
from saliency_report.journal import Journal
from saliency_report.pipeline import Share, alone
from saliency_report.record import SCHEMA_VERSION, ExampleResult
from saliency_report.record.results import to_line
from saliency_report.sources import Request, identity
from saliency_report.spec import Example
from saliency_report.worker import Answer, Setting, Window


def _code() -> str:
    """A hash of this package but for its page: between two versions numbers and their sentences change too."""
    package, digest = Path(__file__).parent, hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        if path.relative_to(package).parts[0] != "page":
            digest.update(path.read_bytes())
    return digest.hexdigest()


VERSIONS = (
    __version__,
    _code(),
    SCHEMA_VERSION,
    torch.__version__,
    transformers.__version__,
    platform.python_version(),
)


@dataclass
class Resumed:
    """Takes from a journal what it has of a run's windows, lets `share` explain the rest, and writes that down.

    `whole` says that the run is all that its input asks for: what the journal has beyond that is dropped then.
    """

    journal: Journal
    share: Share = alone
    whole: bool = True
    taken: int = 0

    def __call__(self, setting: Setting, windows: Sequence[Window]) -> Iterator[Answer]:
        """The answers of all windows: those that are known, then the others as they are done."""
        keys = _keys(setting, windows)
        places: dict[str, list[int]] = {}
        for place, key in keys.items():
            places.setdefault(key, []).append(place)
        examples = {place: (window.group, example) for window in windows for place, example in window.examples}
        known = set[int]()
        for entry in self.journal.entries(places):
            for place in places[entry.key]:
                if place not in known:
                    known.add(place)
                    group, example = examples[place]
                    result = _named(entry.result, example)
                    yield Answer(group, place, result, entry.model, setting.budget)
        self.taken = len(known)
        # As lines: the objects of 512 results take 19 MB.
        unit: dict[str, str] = {}
        model: record.Model | None = None
        for answer in self.share(setting, list(_missing(windows, known))):
            if answer.place in keys and answer.result.failure is None:
                unit[keys[answer.place]], model = to_line(answer.result), answer.model
            if answer.closes:
                self.journal.append(unit, model)
                unit.clear()
            yield answer
        self.journal.append(unit, model)
        if self.whole:
            self.journal.tidy(places)


def _missing(windows: Sequence[Window], known: set[int]) -> Iterator[Window]:
    """The windows that are not done; what is done in them is named, since batches depend on the whole window."""
    for window in windows:
        done = frozenset(place for place, _ in window.examples) & known
        if len(done) < len(window.examples):
            yield replace(window, done=done)


def _keys(setting: Setting, windows: Sequence[Window]) -> dict[int, str]:
    """By its place the key of each example whose weights can be told: of all that decides its numbers."""

    @cache
    def weights(wanted: Request) -> str | None:
        try:
            return identity(wanted, setting.folder)
        except ExampleError:  # the run will say so
            return None

    device = engine.device_name(setting.device)
    return {
        place: _key(example, window.wanted, weights(window.wanted), device)
        for window in windows
        if weights(window.wanted)
        for place, example in window.examples
    }


def _key(example: Example, wanted: Request, weights: str | None, device: str) -> str:
    # Whatever its name: an example that moved, or was given an id, has the same numbers.
    asked = [example.model_dump(mode="json", exclude={"id"}), asdict(wanted), weights, device, VERSIONS]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:32]


def _named(result: ExampleResult, example: Example) -> ExampleResult:
    return result.model_copy(update={"id": example.id, "inputs": {**result.inputs, "id": example.id}})
