"""READMEs shaped as model cards are, with a place for a card of a report, and without a proper one."""

from __future__ import annotations

from dataclasses import dataclass

BEGIN, END = "<!-- saliency-report: begin -->", "<!-- saliency-report: end -->"
PLACE = f"{BEGIN}\n{END}\n"
FRONT = """---
language:
- en
license: apache-2.0
tags:
- text-classification
widget:
- text: |
    A review with a fence in it:
    ```
    and no end
model-index:
- name: reviews
  results: [{task: {type: text-classification}, metrics: [{type: accuracy, value: 0.91}]}]
---
"""


@dataclass(frozen=True)
class Shape:
    """A file in three parts, of which a card takes the place of the second; and the line end that it takes."""

    before: bytes
    old: bytes
    after: bytes
    newline: str = "\n"

    @property
    def data(self) -> bytes:
        return self.before + self.old + self.after


def _shape(text: str, newline: str = "\n", mark: bytes = b"") -> Shape:
    """Of a text in which two bars stand around the old part."""
    before, old, after = (part.encode() for part in text.split("¦"))
    return Shape(mark + before, old, after, newline)


_HERE = f"{BEGIN}\n¦¦{END}\n"
_BLANKS = "# Überblick – 映画 🎬\u2028\x0c\x85\n\n| a | b |\n|:--|--:|\n| 1\\|2 | \t3  |\n\n"
CARDS = {
    "front matter": _shape(f"{FRONT}\n# Reviews\n\nWhat it is for.\n\n{_HERE}\n## Training\n\nMuch.\n"),
    "no front matter": _shape(f"# Reviews\n\n{_HERE}"),
    "windows": _shape(f"{FRONT}# Reviews\n\n{_HERE}\n## Bias\n".replace("\n", "\r\n"), "\r\n"),
    "mixed line ends": _shape(
        f"# Reviews\r\n\r\nTyped here.\nand there\r\n{BEGIN}\r\n¦old\n¦{END}\n\r\nThe rest.\n", "\r\n"
    ),
    "no newline at the end": _shape(f"# Reviews\n\n{BEGIN}\n¦old\n¦{END}"),
    "byte order mark": _shape(f"{FRONT}# Reviews\n{_HERE}", mark=b"\xef\xbb\xbf"),
    "in code blocks too": _shape(
        f"# Reviews\n\n```markdown\n{PLACE}```\n\n~~~~\n```\n{BEGIN}\n~~~\n~~~~\n\n    {BEGIN}\n\n{_HERE}\nEnd\n"
    ),
    "comments and HTML": _shape(
        f'<!-- Card of the model\n---\n-->\n<div align="center">\n<img src="logo.png">\n</div>\n\n{_HERE}\n'
        "<details><summary>More</summary>\n\n| a | b |\n|---|---|\n| `x|y` | <!-- c --> |\n\n</details>\n"
    ),
    "a table and odd characters": _shape(f"{_BLANKS}  {BEGIN}  \n¦\n¦{END}\t\n\n[1]: x\n"),
    "old line ends": _shape(f"# Reviews\r\r{BEGIN}\r¦¦{END}\rThe rest.\r", "\r"),
    "filled before": _shape(f"# Reviews\n{BEGIN}\n¦\n### old\n\n| word |\n| --- |\n| x |\n\n¦{END}\nThe rest.\n\n\n"),
}

_PASTE = f"Paste these two lines where the card shall stand:\n{BEGIN}\n{END}\n"

# What is said of those that have no such place, after the name of the file.
WRONG: dict[str, tuple[bytes, str]] = {
    "no place": (f"{FRONT}# Reviews\n".encode(), f": there is no place for the card.\n{_PASTE}"),
    "empty": (b"", f": there is no place for the card.\n{_PASTE}"),
    "in a code block alone": (
        f"# Reviews\n```\n{PLACE}```\n".encode(),
        f": there is no place for the card. Those in a code block, lines 3 and 4, do not count.\n{_PASTE}",
    ),
    "in a code block without an end": (
        f"# Reviews\n```\n\n{PLACE}".encode(),
        f": there is no place for the card. Those in a code block, lines 4 and 5, do not count.\n{_PASTE}",
    ),
    "no end": (
        f"# Reviews\n\n{BEGIN}\nText\n".encode(),
        f": after line 3 the line {END} is missing.\nPaste it there.\n",
    ),
    "no begin": (f"# Reviews\n\n{END}\n".encode(), f": before line 3 the line {BEGIN} is missing.\nPaste it there.\n"),
    "twice": (
        f"{PLACE}\n{PLACE}".encode(),
        f": {BEGIN} stands in lines 1 and 4.\nLeave one of them, and one place for the card.\n",
    ),
    "two ends": (
        f"{PLACE}{END}\n".encode(),
        f": {END} stands in lines 2 and 3.\nLeave one of them, and one place for the card.\n",
    ),
    "exchanged": (
        f"# Reviews\n{END}\n{BEGIN}\n".encode(),
        f": {END} in line 2 stands before {BEGIN} in line 3.\nExchange them, so that the card stands between them.\n",
    ),
    "not UTF-8": (
        f"# Reviews\n\n{PLACE}caf".encode() + b"\xe9\n",
        ":5: not UTF-8.\nSave it as UTF-8; nothing was changed.\n",
    ),
    "UTF-16": (f"# Reviews\n{PLACE}".encode("utf-16"), ":1: not UTF-8.\nSave it as UTF-8; nothing was changed.\n"),
}
