"""What a run has computed so far, in a file beside its page: an interrupted or edited run computes what is missing.

After a line that names the format, a line is a unit: results that were computed together, each with its key, in
compressed JSON. It is written at once when all of it is done, so that what is computed later is computed in the same
batches as without the interruption, and has the same numbers to the last bit.
"""

from __future__ import annotations

import base64
import json
import os
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from saliency_report import record
from saliency_report.errors import OutputError
from saliency_report.output import write
from saliency_report.record import ExampleResult

FORMAT = b"saliency-report journal 1\n"


@dataclass(frozen=True)
class Entry:
    """A result that was read, with the key of all that decides its numbers, and its model."""

    key: str
    result: ExampleResult
    model: record.Model | None


class Journal:
    """The file at `path`, which is made when the first unit is written.

    Raises:
        OutputError: there is a file of that name that is no journal.
    """

    def __init__(self, path: Path, *, fresh: bool = False) -> None:
        self.path = path
        self.damaged = 0  # lines that could not be read
        self._stale = 0  # units that have no result which was asked for
        if not path.exists():
            return
        with path.open("rb") as file:
            begins = file.readline(len(FORMAT))
        if not FORMAT.startswith(begins):
            raise OutputError(f"{path} is not a journal of saliency-report.", "Name another page with -o.")
        if fresh:
            path.unlink()

    def entries(self, keys: Collection[str]) -> Iterator[Entry]:
        """The results with one of the keys; a last line that was cut off is taken away."""
        end = 0
        for line in self._lines():
            end += len(line) if line.endswith(b"\n") else 0
            if line == FORMAT:
                continue
            unit = _unit(line)
            self.damaged += unit is None
            found = [pair for pair in _pairs(unit) if pair[0] in keys]
            self._stale += not found
            model = record.Model.model_validate(unit["model"]) if unit and unit["model"] else None
            for key, result in found:
                yield Entry(key, ExampleResult.model_validate(result), model)
        if self.path.exists():
            os.truncate(self.path, end)

    def append(self, unit: Mapping[str, str], model: record.Model | None) -> None:
        """Write a unit: of each key the line of its result.

        Raises:
            OutputError: the disk is full, say.
        """
        if not unit:
            return
        named = json.dumps(model and model.model_dump(mode="json"))
        text = f'{{"keys":{json.dumps([*unit])},"model":{named},"results":[{",".join(unit.values())}]}}'
        line = base64.b64encode(zlib.compress(text.encode(), 1)) + b"\n"
        try:
            # At once: a process that is killed leaves at most a line that is cut off, which entries() takes away.
            with self.path.open("ab", buffering=0) as file:
                left = line if file.tell() else FORMAT + line
                while left:  # a disk that fills up takes a part, and refuses the rest
                    left = left[file.write(left) :]
        except OSError as error:
            raise OutputError(
                f"{self.path.name} cannot be written: {error.strerror}.", "Name a page elsewhere with -o."
            ) from error

    def tidy(self, keys: Collection[str]) -> None:
        """Drop the units that have none of the keys, where there are some."""
        if not self._stale:
            return
        kept = (line for line in self._lines() if line == FORMAT or any(key in keys for key, _ in _pairs(_unit(line))))
        write(self.path, (line.decode("ascii") for line in kept))

    def _lines(self) -> Iterator[bytes]:
        if self.path.exists():
            with self.path.open("rb") as file:
                yield from file


def _unit(line: bytes) -> dict[str, Any] | None:
    """The unit of a line; None of one that is cut off or damaged."""
    try:
        unit: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(line[:-1], validate=True)))
    except (ValueError, zlib.error):
        return None
    return unit if line.endswith(b"\n") else None


def _pairs(unit: dict[str, Any] | None) -> list[tuple[str, Any]]:
    return list(zip(unit["keys"], unit["results"], strict=True)) if unit else []
