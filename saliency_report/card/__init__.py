"""Examples of a report for a model card: Markdown, and a heatmap of each text as SVG and PNG; never imports torch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from saliency_report.card.body import Pictures, body
from saliency_report.card.into import inserted
from saliency_report.card.raster import is_installed, png
from saliency_report.card.sections import sections
from saliency_report.card.svg import picture
from saliency_report.errors import InputError, OutputError
from saliency_report.output import check_writable, make_folder, write
from saliency_report.record import Report

__all__ = ["write_card"]

FOLDER = "saliency-report"  # beside a README, for its pictures
FILE = "card.md"


def write_card(
    report: Report,
    ids: Sequence[str],
    record: Path,
    *,
    folder: Path | None = None,
    into: Path | None = None,
    method: str | None = None,
    with_png: bool = True,
) -> list[Path]:
    """Write the pictures of some examples into a folder and the Markdown beside them, or into a file of one's own.

    Nothing is written before it is known that all of it can be.

    Raises:
        InputError: an example is not there or has no map, or the file `into` has no place for it.
        OutputError: something cannot be written, or no PNG can be drawn: the others are there then.
    """
    chosen = sections(report, ids, str(record), method)
    if folder is None:
        folder = into.parent / FOLDER if into else Path("card")
    target = into or folder / FILE
    before = _read(into) if into else b""
    if into:
        inserted(into, before, "")  # what is wrong is said before anything is drawn
    drawn = {section.name: picture(section) for section in chosen}
    drawable = with_png and is_installed()
    pngs = {name: png(svg) for name, (svg, _) in drawn.items()} if drawable else {}
    links = _relative(folder, target.parent)
    pictures = [
        Pictures(
            f"{links}{section.name}.svg",
            f"{links}{section.name}.png" if section.name in pngs else None,
            drawn[section.name][1].said,
        )
        for section in chosen
    ]
    text = body(chosen, pictures)
    make_folder(folder)
    files = {folder / f"{name}.svg": svg.encode() for name, (svg, _) in drawn.items()}
    files |= {folder / f"{name}.png": data for name, data in pngs.items()}
    files[target] = inserted(into, before, text) if into else text.encode()
    for path in files:
        check_writable(path)
        if path.resolve() == record.resolve():
            raise OutputError(f"{path} is the input itself.", "Name another folder with -o.")
    for path, content in files.items():
        if not path.is_file() or path.read_bytes() != content:
            write(path, content)
    if with_png and not drawable:
        raise OutputError(
            f"{', '.join(map(str, files))} are written, but no PNG: resvg_py is not installed.",
            "Run pip install 'saliency-report[card]' and this again, or give --no-png.",
        )
    return list(files)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read: {error.strerror}.", "Give the README of the model with --into."
        ) from error


def _relative(folder: Path, start: Path) -> str:
    """The folder as a link names it, with a slash at its end."""
    try:
        way = Path(os.path.relpath(folder.resolve(), start.resolve())).as_posix()
    except ValueError as error:  # another drive
        raise OutputError(f"No link leads from {start} to {folder}.", "Name a folder beside the README.") from error
    return "" if way == "." else f"{way}/"
