"""Files that are whole or not there at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from saliency_report.errors import OutputError


def check_writable(path: Path, option: str = "-o", example: str = "report.html") -> None:
    """Find out before the work whether a file can be written after it; `option` names it, for example so.

    Raises:
        OutputError: the folder is missing or not writable, or the path is a folder.
    """
    if path.name == "-":
        raise OutputError(f"{option} - would be a file of that name.", f"Name a file: {option} {example}")
    if path.is_dir():
        raise OutputError(f"{path} is a folder.", f"Name the file in it: {option} {path / example}")
    if path.exists() and not path.is_file():
        raise OutputError(f"{path} is a device or a pipe, not a file.", f"Name a file with {option}.")
    if not path.parent.is_dir():
        raise OutputError(f"The folder {path.parent} does not exist.", f"Make it: mkdir -p {path.parent}")
    trial = _beside(path)
    try:
        trial.touch(exist_ok=False)
        trial.unlink()
    except OSError as error:
        raise OutputError(
            f"The folder {path.parent} is not writable: {error.strerror}.",
            f"Name a file in another folder with {option}.",
        ) from error


def make_folder(path: Path) -> None:
    """Make a folder, and those that it is to be in, where there is none.

    Raises:
        OutputError: there is a file of that name, or no leave to make it.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"The folder {path} cannot be made: {error.strerror}.", "Name another one with -o."
        ) from error


def write(path: Path, content: Iterable[str] | bytes) -> None:
    """Write the pieces of a text, or bytes, under another name and move them into place: nobody meets half a file.

    A file that is replaced leaves its permissions to the new one.

    Raises:
        OutputError: the disk is full, say; what was at `path` before is untouched.
    """
    path = path.resolve()  # through a link to the file that it names
    temporary = _beside(path)
    try:
        if isinstance(content, bytes):
            temporary.write_bytes(content)
        else:
            with temporary.open("w", encoding="utf-8", newline="\n") as file:
                file.writelines(content)
        if path.exists():
            shutil.copymode(path, temporary)
        temporary.replace(path)
    except OSError as error:
        raise OutputError(
            f"{path.name} cannot be written: {error.strerror}.", "Name a file elsewhere with -o."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")
