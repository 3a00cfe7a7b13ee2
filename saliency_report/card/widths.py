"""How wide a text will be, without its font: an SVG breaks no lines, and whose fonts will draw it is not known.

Letters are taken to be as wide as those of Arial, Helvetica and Liberation Sans, which are alike. Each word of a
picture is told its width (textLength): another font is stretched by some percent, and words lie on their colours.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from rich.cells import cell_len

# Thousandths of the font size, as they stand in Liberation Sans.
_WIDTHS = {
    191: "'",
    222: "ijl‘’",
    260: "|",
    278: " !,./:;I[\\]ft·\u00a0",
    333: "()-`r“”„",
    334: "{}",
    355: '"',
    389: "*",
    469: "^",
    500: "Jcksvxyz",
    556: "#$0123456789?L_abdeghnopqu–",
    584: "+<=>~−",
    611: "FTZ",
    667: "&ABEKPSVXY",
    722: "CDHNRUw",
    778: "GOQ",
    833: "Mm",
    889: "%",
    944: "W",
    1000: "…—→↵\ufffd",
    1015: "@",
}
_WIDTH = {char: width / 1000 for width, chars in _WIDTHS.items() for char in chars}
_BOLD = 1.07
# Of one cell of a terminal: letters of other alphabets are 0.5 to 0.73 wide, ideographs a square, emoji more than that.
_NARROW, _WIDE, _EMOJI = 0.58, 0.5, 0.62
_JOINED = re.compile("\u200d[\u2600-\u27bf\U0001f000-\U0001faff]|[\U0001f3fb-\U0001f3ff]")  # families, skin tones

# Where a font has no letter for a script some renderers take the first other one that has, and that may be a bold one.
_FONTS = (
    ("\u0590-\u05ff", "Noto Sans Hebrew"),
    ("\u0600-\u06ff\u0750-\u077f\ufb50-\ufeff", "Noto Sans Arabic,Geeza Pro"),
    ("\u0900-\u097f", "Noto Sans Devanagari,Kohinoor Devanagari,Nirmala UI"),
    ("\u0980-\u09ff", "Noto Sans Bengali,Nirmala UI"),
    ("\u0b80-\u0bff", "Noto Sans Tamil,Nirmala UI"),
    ("\u0e00-\u0e7f", "Noto Sans Thai,Thonburi,Leelawadee UI"),
    ("\u1100-\u11ff\uac00-\ud7a3", "Noto Sans CJK KR,Apple SD Gothic Neo,Malgun Gothic"),
    ("\u3040-\u30ff", "Noto Sans CJK JP,Hiragino Sans,Yu Gothic"),
    ("\u3400-\u9fff", "Noto Sans CJK SC,PingFang SC,Microsoft YaHei"),
    ("\u2600-\u27bf\U0001f000-\U0001faff", "Noto Color Emoji,Apple Color Emoji,Segoe UI Emoji"),
)
FONT = "Arial,Helvetica,Liberation Sans,Noto Sans,DejaVu Sans,sans-serif"
_SCRIPTS = [(re.compile(f"[{letters}]"), f"{fonts},{FONT}") for letters, fonts in _FONTS]


def width(text: str, size: float, bold: bool = False) -> float:
    """How wide a text is in one line, in the unit of the font's size."""
    return sum(map(_ems, _JOINED.sub("", text))) * size * (_BOLD if bold else 1)


@lru_cache(maxsize=4096)
def _ems(char: str) -> float:
    if char in _WIDTH:
        return _WIDTH[char]
    base = unicodedata.normalize("NFD", char)[0]
    if base in _WIDTH:  # é is as wide as e
        return _WIDTH[base]
    wide = unicodedata.east_asian_width(char) in "WF"
    return cell_len(char) * (_EMOJI if unicodedata.category(char) == "So" else _WIDE if wide else _NARROW)


def font(text: str) -> str:
    """The fonts to draw a text with; empty where those that every text has will do."""
    if text.isascii():
        return ""
    return next((fonts for letters, fonts in _SCRIPTS if letters.search(text)), "")
