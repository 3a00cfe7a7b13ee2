"""Which pages a report becomes and where they go, as the command line asks for it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from saliency_report.errors import InputError, OutputError
from saliency_report.output import check_writable, write

if TYPE_CHECKING:
    from saliency_report.record import Report


@dataclass(frozen=True)
class Drawing:
    """The page at `output`, with a second one without script and style beside it where it is `static`."""

    output: Path
    static: bool = False
    charts: Literal["plotly", "none"] = "plotly"
    embed_record: bool = False
    templates: Path | None = None

    @property
    def paths(self) -> list[Path]:
        """Where the pages go."""
        return [self.output, self.output.with_suffix(".static.html")] if self.static else [self.output]

    def check(self, source: Path | None = None, *others: Path) -> None:
        """Find out before the work what would stop the writing of the pages and of the other files after it.

        Raises:
            InputError: a template of one's own is wrong.
            OutputError: a file cannot be written, or would replace its own source.
        """
        for path in (*self.paths, *others):
            check_writable(path)
            if source and path.resolve() == source.resolve():
                raise OutputError(f"{path} is the input itself.", "Name another file with -o.")
        if self.templates:
            from saliency_report.page.environment import make_environment

            make_environment(self.templates)

    def draw(self, report: Report) -> list[list[str]]:
        """The pages as text, each in pieces."""
        from saliency_report.page import page_parts
        from saliency_report.page.static import render_static

        charts = self.charts == "plotly"
        pages = [page_parts(report, charts=charts, embed_record=self.embed_record, templates=self.templates)]
        return [*pages, [render_static(report, templates=self.templates)]] if self.static else pages

    def save(self, report: Report, *others: tuple[Path, Callable[[Report], Iterable[str]]]) -> list[Path]:
        """Draw and write the pages, and other files by their paths and what makes their pieces of the report.

        Raises:
            InputError: a template of one's own fails on this report; the pages then have the built-in ones.
            OutputError: a file cannot be written; all of them then lie in a temporary folder.
        """
        wrong: InputError | None = None
        try:
            pages = self.draw(report)
        except InputError as error:
            wrong, pages = error, replace(self, templates=None).draw(report)
        paths = [*self.paths, *(path for path, _ in others)]
        _write_all(paths, [*(partial(iter, page) for page in pages), *(partial(make, report) for _, make in others)])
        if wrong:
            lost = f"Nothing is lost: {self.output} has the built-in templates. {wrong.next_step}"
            raise InputError(wrong.message, lost)
        return paths


def _write_all(paths: Sequence[Path], makes: Sequence[Callable[[], Iterable[str]]]) -> None:
    try:
        for path, make in zip(paths, makes, strict=True):
            write(path, make())
    except OutputError as error:
        rescue = Path(tempfile.mkdtemp(prefix="saliency-report-"))
        for path, make in zip(paths, makes, strict=True):
            write(rescue / path.name, make())
        raise OutputError(error.message, f"Nothing is lost: see {rescue}. {error.next_step}") from error
