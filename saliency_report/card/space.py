"""A folder that the Hub shows as a static Space: the page, its record, and the README that says so."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

from saliency_report.drawing import Drawing
from saliency_report.errors import OutputError
from saliency_report.output import check_writable, make_folder, write
from saliency_report.page.text import preview
from saliency_report.record import Report, json_parts

PAGE, RECORD, README = "index.html", "report.json", "README.md"
_OF_GIT = {".git", ".gitattributes", ".cache"}  # of a clone, and of the Hub's own client
LARGEST = (
    10_000_000  # bytes: larger files take a way of their own on the Hub, and the page mostly has the record anyway
)
_TITLE = 60
_STATIC = re.compile(r"^sdk:\s*[\"']?static[\"']?\s*$", re.MULTILINE)
_OURS = b'name="generator" content="saliency-report '
# YAML calls these unprintable, though JSON writes them as they are.
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def write_space(report: Report, record: Path, drawing: Drawing) -> list[Path]:
    """Write a Space into the folder of the drawing's page; a README that is there stays as it is.

    Raises:
        OutputError: the folder has files of another kind, or cannot be written.
    """
    folder = drawing.output.parent
    _check(folder)
    make_folder(folder)
    drawing.check(record)
    files: list[tuple[Path, Iterable[str]]] = [(drawing.output, drawing.draw(report)[0])]
    text = list(json_parts(report))
    if sum(len(piece.encode()) for piece in text) <= LARGEST and record.resolve() != (folder / RECORD).resolve():
        files.append((folder / RECORD, text))
    if not (folder / README).exists():
        files.append((folder / README, [readme(report)]))
    for path, _ in files:
        check_writable(path)
    for path, pieces in files:
        write(path, pieces)
    return [path for path, _ in files]


def _check(folder: Path) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise OutputError(f"{folder} is a file.", "Name a folder with -o.")
    foreign = sorted({path.name for path in folder.iterdir()} - {PAGE, RECORD, README} - _OF_GIT)
    if foreign:
        raise OutputError(
            f"{folder} has files that are not of a Space of this program: {', '.join(foreign[:5])}.",
            "Name a new folder with -o, such as -o space.",
        )
    there = folder / README
    if there.exists() and not _STATIC.search(_front_matter(there)):
        raise OutputError(
            f"{there} is not that of a static Space: it has no line sdk: static.", "Name a new folder with -o."
        )
    page = folder / PAGE
    if page.exists() and _OURS not in page.read_bytes()[:10_000]:
        raise OutputError(f"{page} was not written by this program.", "Name a new folder with -o.")


def _front_matter(path: Path) -> str:
    text = path.read_text(encoding="utf-8", errors="replace").removeprefix("\ufeff")
    parts = re.split(r"^---[ \t]*$", text, maxsplit=2, flags=re.MULTILINE)
    return parts[1] if len(parts) == 3 and not parts[0].strip() else ""


def readme(report: Report) -> str:
    """The README that the Hub reads; a licence is for the author to choose, whose texts the page shows."""
    models = list(dict.fromkeys(model.name for model in report.models if model.source == "hub"))
    named = "".join(f"\n- {_yaml(name)}" for name in models)
    return (
        "---\n"
        f"title: {_yaml(preview(report.title, _TITLE) or 'Saliency report')}\n"
        "emoji: 🔎\ncolorFrom: yellow\ncolorTo: blue\n"
        f"sdk: static\napp_file: {PAGE}\npinned: false\n"
        f"short_description: Which words a language model’s answers react to\n"
        f"{f'models:{named}{chr(10)}' if named else ''}"
        "---\n\n"
        f"`{PAGE}` is a page that saliency-report wrote: which words a language model's answers react to, by which "
        "method, and when not to believe it. It loads nothing from elsewhere.\n"
    )


def _yaml(text: str) -> str:
    """A text as a scalar in double quotes."""
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))
