"""Puts a third of Plotly into a wheel: the kinds of chart that pages use, as npm has them, checked by hash.

Asked for by SALIENCY_REPORT_BUNDLE=cartesian, since a build should fetch nothing unasked:

    SALIENCY_REPORT_BUNDLE=cartesian python -m build --wheel

Pages of such a wheel carry 0.66 MB of Plotly in the place of 1.96 MB. No third-party code lies in this repository.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import tarfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE, VERSION = "plotly.js-cartesian-dist-min", "4.1.1"
FILES = {
    "plotly-cartesian.min.js": "79542150855a52c567260e3137095dbe2b744e6d702a5cabe67da246942fba7a",
    "LICENSE": "8c45d9eaf50c2f72dd9c7ab9ef440788ba58a3538484b5c51c1f17d5128752e7",
}
TARGET = "saliency_report/bundle"


class BundleHook(BuildHookInterface):  # type: ignore[type-arg]
    """A build hook of hatchling."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Fetch the package by npm, check its files and include them."""
        wanted = os.environ.get("SALIENCY_REPORT_BUNDLE", "")
        if not wanted:
            return
        if wanted != "cartesian":
            raise SystemExit(f"SALIENCY_REPORT_BUNDLE is {wanted!r}; the one bundle there is is cartesian.")
        folder = Path(self.root) / "build" / "bundle"
        folder.mkdir(parents=True, exist_ok=True)
        command = ["npm", "pack", "--silent", "--pack-destination", str(folder), f"{PACKAGE}@{VERSION}"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        with tarfile.open(folder / f"{PACKAGE}-{VERSION}.tgz") as archive:
            for name, digest in FILES.items():
                member = archive.extractfile(f"package/{name}")
                content = member.read() if member else b""
                if hashlib.sha256(content).hexdigest() != digest:
                    raise SystemExit(
                        f"{name} of {PACKAGE} {VERSION} is not the file that was tested: nothing is built."
                    )
                (folder / name).write_bytes(content)
                build_data["force_include"][str(folder / name)] = f"{TARGET}/{name}"
