"""The part of a README between two lines, put in anew; everything else stays as it is, byte for byte."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from saliency_report.errors import InputError

BEGIN, END = "<!-- saliency-report: begin -->", "<!-- saliency-report: end -->"
_PASTE = f"Paste these two lines where the card shall stand:\n{BEGIN}\n{END}"
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r|$)")
# Of CommonMark: four blanks before it make code of a line.
_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")
_MARKER = re.compile(rf" {{0,3}}(?:{re.escape(BEGIN)}|{re.escape(END)})[ \t]*$")


def inserted(path: Path, data: bytes, body: str) -> bytes:
    """The bytes of a file with another part between its two lines; its line ends are those of the first of them.

    Lines in a code block, and in the front matter, are not looked at.

    Raises:
        InputError: the file is not UTF-8, or has not these two lines once each and in this order.
    """
    mark, text = _decoded(path, data)
    lines = [line for line in _LINE.findall(text) if line]
    places = _places(path, lines)
    begin, end = places
    # A file whose first marker is its last line has no second one, so there is a line end.
    newline = lines[begin][len(lines[begin].rstrip("\r\n")) :]
    part = f"\n{body}\n".replace("\n", newline)
    return mark + "".join([*lines[: begin + 1], part, *lines[end:]]).encode("utf-8")


def _decoded(path: Path, data: bytes) -> tuple[bytes, str]:
    mark = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""
    try:
        return mark, data[len(mark) :].decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: len(mark) + error.start].count(b"\n") + 1
        raise InputError(f"{path}:{line}: not UTF-8.", "Save it as UTF-8; nothing was changed.") from error


def _places(path: Path, lines: list[str]) -> tuple[int, int]:
    """Indices of the lines of the two markers."""
    found: dict[str, list[int]] = {BEGIN: [], END: []}
    quoted: list[int] = []
    fence = ""
    for place, line in enumerate(lines):
        bare = line.rstrip("\r\n")
        if place < _front_matter(lines):
            continue
        opened = _FENCE.match(bare)
        if opened and not fence:
            fence = opened[1]
        elif fence and re.fullmatch(rf" {{0,3}}{re.escape(fence[0])}{{{len(fence)},}}[ \t]*", bare):
            fence = ""
        elif _MARKER.match(bare):
            if fence:
                quoted.append(place)
            else:
                found[bare.strip()].append(place)
    _check(path, found[BEGIN], found[END], quoted)
    return found[BEGIN][0], found[END][0]


def _front_matter(lines: list[str]) -> int:
    """How many lines the YAML at the beginning has."""
    if not lines or lines[0].rstrip() != "---":
        return 0
    return next((n + 1 for n, line in enumerate(lines) if n and line.rstrip() in ("---", "...")), 0)


def _check(path: Path, begins: list[int], ends: list[int], quoted: list[int]) -> None:
    in_code = f" Those in a code block, lines {_numbers(quoted)}, do not count." if quoted else ""
    if not begins and not ends:
        raise InputError(f"{path}: there is no place for the card.{in_code}", _PASTE)
    for marker, of in ((BEGIN, begins), (END, ends)):
        other = ends if marker == BEGIN else begins
        if not of:
            raise InputError(
                f"{path}: {'before' if marker == BEGIN else 'after'} line {other[0] + 1} the line {marker} is missing."
                f"{in_code}",
                "Paste it there.",
            )
        if len(of) > 1:
            raise InputError(
                f"{path}: {marker} stands in lines {_numbers(of)}.", "Leave one of them, and one place for the card."
            )
    if begins[0] > ends[0]:
        raise InputError(
            f"{path}: {END} in line {ends[0] + 1} stands before {BEGIN} in line {begins[0] + 1}.",
            "Exchange them, so that the card stands between them.",
        )


def _numbers(places: list[int]) -> str:
    return " and ".join(str(place + 1) for place in places)
