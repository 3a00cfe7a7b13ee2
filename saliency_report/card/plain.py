"""Text of an input or a model as plain text, whatever it is written into: XML, Markdown, a file's name."""

from __future__ import annotations

import hashlib
import re

from markupsafe import escape

from saliency_report.page.text import visible

_LONGEST_NAME = 48
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Overrides and isolates of direction, which would turn round what stands after them.
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
_BLANKS = re.compile("[^\\S\u00a0]+")
# What means something inside a line of Markdown, of mathematics or of a site's templates. What means something at the
# beginning of a line never stands there.
_MEANING = re.compile(r"[!#$&*<>@\[\\\]^_`{|}~]|:(?=//|[+\w-]+:)")
# What sites turn into links, mentions and emoji after Markdown was read, if nothing stands in between.
_LIVE = re.compile(r"(?i)[@#]|:(?=//|[+\w-]+:)|www")
# Letters that are read from the right, with all but Latin letters and digits between them.
_FROM_THE_RIGHT = re.compile(
    "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc](?:[^0-9A-Za-z]*[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc])*"
)
# On Windows no file can be called so, whatever stands after the point.
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)")


def printable(text: str) -> str:
    """The text with everything that cannot be shown as a sign of its own, and as many characters as before."""
    return _TURNING.sub("\ufffd", _NOT_XML.sub("\ufffd", visible(text)))


def xml(text: str) -> str:
    """The text in an XML document."""
    return str(escape(printable(text)))


def markdown(text: str, *, alternative: bool = False) -> str:
    """The text inside a line of Markdown, a cell of a table too: what has a meaning there as character references.

    Those are text wherever they stand. What is read from the right is set apart, so that a number after it stays after
    it. The `alternative` text of a picture has nothing else in it.
    """
    line = _BLANKS.sub(" ", printable(text)).strip(" ")
    if not alternative:
        line = _LIVE.sub(lambda found: f"\0{found[0]}\0", line)
        line = _FROM_THE_RIGHT.sub("\u2068\\g<0>\u2069", line)
    return _MEANING.sub(lambda found: f"&#{ord(found[0])};", line).replace("\0", "<wbr>")


def slug(id: str) -> str:
    """A file's name for an id: the same in every run, and another one for every id, also where case does not count."""
    kept = re.sub(r"[^a-z0-9]+", "-", id.lower()).strip("-")[:_LONGEST_NAME].strip("-")
    if kept and kept == id and not _RESERVED.fullmatch(kept):
        return kept
    told = hashlib.sha256(id.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{kept or 'example'}-{told}"
