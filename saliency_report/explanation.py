"""A report as Python holds it: shows itself in a notebook, becomes a table, is written to a file."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from saliency_report.drawing import Drawing
from saliency_report.errors import InputError, OutputError
from saliency_report.output import check_writable, write
from saliency_report.page import render_page
from saliency_report.record import Report, json_parts
from saliency_report.terminal import shown, summary

if TYPE_CHECKING:
    import pandas

HEIGHT = 640  # pixels of the frame in a notebook, in which the page scrolls


class Explanation(Report):
    """A `Report` that a notebook shows as its page.

    The page stands in a frame of its own, without the chart library, which is 2 MB in each output: `save` a file for
    the charts.
    """

    def __repr__(self) -> str:
        """What the command line prints: answers, strongest words, verdicts."""
        return "\n".join(line.plain for line in summary(self, shown(self)))

    __str__ = __repr__

    def _repr_html_(self) -> str:
        """The page in a sandboxed frame: nothing of it reaches the notebook, and two of them do not meet."""
        # Without it a link to a part of the page is one of the notebook's, which would open in the frame.
        page = escape(render_page(self, charts=False).replace("<head>", '<head><base href="about:srcdoc">', 1))
        return (
            f'<iframe title="{escape(self.title) or "Saliency report"}" sandbox="allow-scripts allow-downloads" '
            f'width="100%" height="{HEIGHT}" style="border: 0" srcdoc="{page}"></iframe>'
        )

    def save(self, path: str | Path) -> Path:
        """Write the record where the name ends in .json, and the page where it ends in .html.

        Raises:
            OutputError: the name ends in something else, or the file cannot be written.
        """
        path = Path(path)
        if path.suffix == ".html":
            return render(self, path)
        if path.suffix != ".json":
            raise OutputError(f"{path} is neither a record nor a page.", "Let the name end in .json or .html.")
        check_writable(path)
        write(path, json_parts(self))
        return path

    def to_pandas(self) -> pandas.DataFrame:
        """The words of all maps, a row each, and a column for each score, raw.

        `start` and `end` are code points of the segment's text; they are missing where no text shows the word, as of
        `[CLS]`. A score that a method does not have, or a word that it does not measure, is missing too.

        Raises:
            InputError: pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            raise InputError("A table needs pandas.", "pip install 'saliency-report[notebook]'") from error
        return pandas.DataFrame(_rows(self))


def render(
    report: Report,
    path: str | Path = "report.html",
    *,
    static: bool = False,
    charts: bool = True,
    embed_record: bool = False,
    templates: str | Path | None = None,
) -> Path:
    """Write the page of a report as one file that opens anywhere; the same options as those of the command.

    Raises:
        OutputError: the file cannot be written.
        InputError: it is no report, or a template of one's own is wrong.
    """
    if not isinstance(report, Report):
        raise InputError(f"render takes a report, not {report!r}.", "Write render(load(path)) for a report.json.")
    own = None if templates is None else Path(templates)
    drawing = Drawing(Path(path), static, "plotly" if charts else "none", embed_record, own)
    drawing.check()
    return drawing.save(report)[0]


def _rows(report: Report) -> Iterator[dict[str, Any]]:
    names = [aggregation.name for aggregation in report.aggregations]
    for result in report.examples:
        for map_ in result.maps:
            encoding = result.encodings[map_.encoding]
            known = {name: map_.word_scores.get(name, []) for name in names}
            for i, word in enumerate(encoding.words):
                if i >= len(map_.word_scores[map_.first_score]):
                    break  # of a generated token: it cannot depend on what comes later
                segment = None if word.segment is None else encoding.segments[word.segment]
                tokens = "".join(encoding.tokens[token].text for token in word.tokens)
                yield {
                    "example": result.id,
                    "target": map_.title,
                    "quantity": map_.target.quantity,
                    "F": map_.target.score,
                    "method": map_.method,
                    "word": tokens if segment is None or word.special else segment.text[word.start : word.end],
                    "segment": None if segment is None else segment.name,
                    "start": word.start,
                    "end": word.end,
                    "special": word.special,
                    **{name: scores[i] if scores else None for name, scores in known.items()},
                }
