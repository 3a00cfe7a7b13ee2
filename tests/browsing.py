"""Chromium for tests of the page: name this module in `pytest_plugins`, and take the fixture `visit`.

The page's policy forbids eval, and so Playwright's wait_for_function: `until` asks again and again instead.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Dialog, Page, Request, sync_playwright

from saliency_report.page import render_page
from saliency_report.record import Report

COMMANDS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


def chromium() -> str | None:
    """SALIENCY_REPORT_CHROMIUM, else one on the path, else None: the one that Playwright brought."""
    return os.environ.get("SALIENCY_REPORT_CHROMIUM") or next(filter(None, map(shutil.which, COMMANDS)), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all tests; without one they fail, and are not skipped."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield browser
        browser.close()


# The page's script is unpacked by another one, or there is none, or the browser cannot.
AWAKE = "!document.querySelector('#script') || document.querySelector(':root.scripted, .unpack-failed') !== null"


class Visit:
    """A page and everything it said, asked for or opened."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.noise: list[str] = []
        page.on("console", lambda message: self.noise.append(message.text))
        page.on("pageerror", lambda error: self.noise.append(str(error)))
        page.on("dialog", self.dismiss)
        page.on("request", self.note)

    def note(self, request: Request) -> None:
        if not request.url.startswith("blob:"):  # made by the page itself, for a picture of a text
            self.noise.append(request.url)

    def dismiss(self, dialog: Dialog) -> None:
        self.noise.append(dialog.message)
        dialog.dismiss()

    def ask(self, expression: str, argument: Any = None) -> Any:
        return self.page.evaluate(expression, argument)

    def until(self, expression: str, expected: Any = True, seconds: float = 20) -> None:
        """Wait until the expression has the value, and say what it was when it never had."""
        end = time.monotonic() + seconds
        while (found := self.ask(expression)) != expected:
            assert time.monotonic() < end, f"{expression} is {found!r}, not {expected!r}"
            time.sleep(0.05)

    def draw(self, number: int) -> None:
        """Scroll to an example and wait for its charts."""
        self.page.locator(f"#example-{number} figure.plot").last.scroll_into_view_if_needed()
        self.page.locator(f"#example-{number} figure.plot").first.scroll_into_view_if_needed()
        self.until(f"document.querySelectorAll('#example-{number} .canvas:not(.drawn)').length", 0)

    def set(self, aggregation: str | None = None, unit: str | None = None, special: bool | None = None) -> None:
        if aggregation:
            self.page.select_option("#aggregation", aggregation)
        if unit:
            self.page.locator(f"label:has(input[value={unit}])").click()
        if special is not None:
            self.page.set_checked("#special", special)

    def ticks(self, number: int, axis: str = "x", chart: str = "bars") -> list[str]:
        found: list[str] = self.ask(
            "([number, axis, chart]) => [...document.querySelectorAll("
            "`#example-${number} [data-chart=${chart}] .${axis}tick text`)].map((t) => t.textContent)",
            [number, axis, chart],
        )
        return found

    def bars(self, number: int) -> list[float]:
        found: list[float] = self.ask(
            f"[...document.querySelector('#example-{number} [data-chart=bars] .canvas').data[0].y]"
        )
        return found

    def said(self, selector: str) -> list[str]:
        """What each of them says, with single spaces."""
        return [" ".join(text.split()) for text in self.page.locator(selector).all_text_contents()]

    def count(self, selector: str) -> int:
        return self.page.locator(selector).count()


Open = Callable[..., Visit]


@pytest.fixture
def visit(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Open a report, or a page, from a file; at the end it must have stayed silent and asked for nothing else."""
    opened: list[Visit] = []

    def open_(
        report: Report | str,
        script: str = "",
        charts: bool = True,
        scripts: bool = True,
        templates: Path | None = None,
        embed_record: bool = False,
        silent: bool = True,
        **options: Any,
    ) -> Visit:
        path = tmp_path / f"report-{len(opened)}.html"
        if isinstance(report, Report):
            report = render_page(report, charts=charts, embed_record=embed_record, templates=templates)
        path.write_text(report, encoding="utf-8", newline="")
        context = browser.new_context(**options)
        page = context.new_page()
        if script:
            page.add_init_script(script)
        found = Visit(page)
        if not scripts:  # for the page alone: with java_script_enabled=False a test cannot wait for a promise either
            switch = context.new_cdp_session(page)
            switch.send("Emulation.setScriptExecutionDisabled", {"value": True})
        found.page.goto(path.as_uri())
        if not scripts:
            switch.send("Emulation.setScriptExecutionDisabled", {"value": False})
        if scripts and options.get("java_script_enabled", True):
            found.until(AWAKE)
        assert found.noise[:1] == [path.as_uri()]
        del found.noise[0]
        assert found.noise == [] or not silent
        opened.append(found)
        return found

    yield open_
    for found in opened:
        assert found.noise == []
        found.page.context.close()
