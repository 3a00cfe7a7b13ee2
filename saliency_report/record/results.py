"""The results of a run as compressed JSON: 2.8 kB for a text of 24 tokens, where its objects take 37.

Many of them lie in a file without a name, so that the memory of a run does not grow with its examples.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

from pydantic_core import PydanticSerializationError

from saliency_report.errors import OutputError
from saliency_report.record.example import ExampleResult

# Higher levels take 1.6 times as long for a tenth less.
LEVEL = 1
IN_MEMORY = 4_000_000  # bytes: some 1,400 results of 24 tokens


class _Store:
    """Bytes that are written once and read wherever they lie; the file goes when nobody needs it any more."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115

    def __del__(self) -> None:
        self._file.close()

    def write(self, held: bytes) -> int:
        """Where the bytes begin.

        Raises:
            OutputError: the disk is full, say.
        """
        try:
            start = self._file.seek(0, os.SEEK_END)
            self._file.write(held)
        except OSError as error:
            raise OutputError(
                f"The results cannot be kept in {tempfile.gettempdir()}: {error.strerror}.",
                "Name a folder with more room in the variable TMPDIR.",
            ) from error
        return start

    def read(self, start: int, length: int) -> bytes:
        """The bytes that were written there."""
        self._file.seek(start)
        return self._file.read(length)


class Results(Sequence[ExampleResult]):
    """A sequence that holds each result as its line of the record, and reads it anew whenever it is asked for (0.1 ms).

    What does not fit its report is refused before it is held: see `check_example`.

    So the memory of a run hardly depends on how many examples it has. Changes of a result that was read are not kept;
    `results[place] = result` keeps them.
    """

    def __init__(self, results: Iterable[ExampleResult] = (), *, places: int = 0) -> None:
        self._store = _Store()
        self._starts, self._lengths = array("q", [0] * places), array("q", [0] * places)
        for result in results:
            self.append(result)

    def __len__(self) -> int:
        return len(self._starts)

    @overload
    def __getitem__(self, index: int) -> ExampleResult: ...
    @overload
    def __getitem__(self, index: slice) -> Results: ...
    def __getitem__(self, index: int | slice) -> ExampleResult | Results:
        if isinstance(index, int):
            return from_line(self._line(index))
        part = Results()
        part._store = self._store
        part._starts, part._lengths = self._starts[index], self._lengths[index]
        return part

    def __setitem__(self, place: int, result: ExampleResult) -> None:
        packed = _packed(result)
        self._starts[place], self._lengths[place] = self._store.write(packed), len(packed)

    def __iter__(self) -> Iterator[ExampleResult]:
        return map(from_line, self.lines())

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, Sequence) else NotImplemented

    def append(self, result: ExampleResult) -> None:
        """Take a result in."""
        self._starts.append(0)
        self._lengths.append(0)
        self[len(self) - 1] = result

    def lines(self) -> Iterator[str]:
        """The results as they stand in the record."""
        return map(self._line, range(len(self)))

    def _line(self, place: int) -> str:
        return zlib.decompress(self._store.read(self._starts[place], self._lengths[place])).decode()


def to_line(result: ExampleResult) -> str:
    """A result as one line of JSON."""
    try:
        return result.model_dump_json()
    except PydanticSerializationError:  # half of a surrogate pair has no UTF-8
        data = result.model_dump(mode="json")
        return escaped(json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")))


def from_line(line: str) -> ExampleResult:
    """The result that `to_line` wrote.

    Raises:
        ValueError: it is no result.
    """
    halved = "\\ud" in line  # of which Pydantic reads none
    return ExampleResult.model_validate(json.loads(line)) if halved else ExampleResult.model_validate_json(line)


def escaped(text: str) -> str:
    """JSON with halves of surrogate pairs as \\ud800, and all else as it is."""
    return re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", text)


def _packed(result: ExampleResult) -> bytes:
    return zlib.compress(to_line(result).encode(), LEVEL)
