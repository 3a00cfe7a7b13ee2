"""The README's pictures, of the reports on two sample inputs.

python tests/pictures.py quickstart.html evidence.html && pngquant --force --ext .png .github/*.png
"""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from browsing import chromium

PICTURES = Path(__file__).parent.parent / ".github"
MARGIN = 16


def take(quickstart: Path, evidence: Path) -> None:
    """The first screen in the light, and the test of one map in the dark."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium())
        page = browser.new_page(viewport={"width": 1440, "height": 930})
        page.goto(quickstart.resolve().as_uri())
        page.screenshot(path=PICTURES / "report.png")

        page = browser.new_page(viewport={"width": 1000, "height": 1000}, color_scheme="dark")
        page.goto(evidence.resolve().as_uri())
        proof = page.locator("#example-1 .proof.faithfulness")
        for canvas in proof.locator(".canvas").all():
            canvas.scroll_into_view_if_needed()
            canvas.locator(".main-svg").first.wait_for()
        proof.scroll_into_view_if_needed()
        x, y, width, height = proof.evaluate(
            "e => (({ x, y, width, height }) => [x, y + scrollY, width, height])(e.getBoundingClientRect())"
        )
        page.screenshot(
            path=PICTURES / "report-dark.png",
            full_page=True,
            clip={"x": x - MARGIN, "y": y - MARGIN, "width": width + 2 * MARGIN, "height": height + 2 * MARGIN},
        )
        browser.close()


if __name__ == "__main__":
    take(*map(Path, sys.argv[1:]))
