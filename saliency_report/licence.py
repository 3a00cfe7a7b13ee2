"""The licence that a model's card names; what cannot be read names none, and is never an error."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from huggingface_hub.repocard import metadata_load

LONGEST = 100
_GENERAL = 64  # keys of a GGUF file that are looked at: those named general.* stand first
_STRING, _ARRAY = 8, 9
_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}


def of_card(card: Any) -> str | None:
    """The licence in a card's front matter, with its name where it is called other."""
    if card is None:
        return None
    named = card.get("license")
    licences = [str(part) for part in (named if isinstance(named, list) else [named]) if part]
    if card.get("license_name"):
        licences = [
            f"{card.get('license_name')} ({', '.join(licences)})" if licences else str(card.get("license_name"))
        ]
    return " ".join(", ".join(licences).split())[:LONGEST] or None


def of_folder(folder: Path) -> str | None:
    """The licence of a folder's README.md."""
    with suppress(Exception):  # no file, no front matter, no YAML: all the same, it names none
        return of_card(metadata_load(folder / "README.md"))
    return None


def of_gguf(path: Path) -> str | None:
    """The licence among the first keys of a GGUF file, without reading its vocabulary, which follows them."""
    with suppress(Exception), path.open("rb") as file:
        return of_card(_general(file))
    return None


def _general(file: BinaryIO) -> Mapping[str, str]:
    """Texts of the keys general.*, as a card has them."""
    magic, _, _, count = struct.unpack("<4sIQQ", file.read(24))
    found: dict[str, str] = {}
    for _ in range(min(count, _GENERAL) if magic == b"GGUF" else 0):
        key = _string(file)
        (kind,) = struct.unpack("<I", file.read(4))
        if not key.startswith("general."):
            break
        if kind == _STRING:
            found[key.removeprefix("general.").replace("license.name", "license_name")] = _string(file)
        elif kind == _ARRAY:
            kind, length = struct.unpack("<IQ", file.read(12))
            for _ in range(length if kind == _STRING else 0):
                _string(file)
            file.seek(0 if kind == _STRING else _SIZES[kind] * length, 1)
        else:
            file.seek(_SIZES[kind], 1)
    return found


def _string(file: BinaryIO) -> str:
    (length,) = struct.unpack("<Q", file.read(8))
    return file.read(min(length, 1_000_000)).decode("utf-8")
