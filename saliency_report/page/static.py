"""The page for viewers that forbid every script and every style, with the words and numbers of the other one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from markupsafe import Markup

from saliency_report.page import text
from saliency_report.page.cancelled import cancelled
from saliency_report.page.colour import css_class
from saliency_report.page.drawings import PALETTE, bars
from saliency_report.page.environment import make_environment
from saliency_report.page.facts import CANCEL, ROUNDED
from saliency_report.page.figures import Figure, target_figures
from saliency_report.page.gathered import Gathered
from saliency_report.page.own_templates import located
from saliency_report.page.scores import scores
from saliency_report.page.tables import rows, word_labels
from saliency_report.page.unstyled import Unstyled
from saliency_report.page.view import OUTCOMES_SHOWN, ExampleView, view
from saliency_report.record import Report

__all__ = ["render_static"]

# Without style a browser lays out what is far away too. 2,000 film snippets of 21 words took Chromium 27 s on two slow
# cores with tables of all scores and open bars, 16 s without.
MANY = 1000


@dataclass(frozen=True)
class Bar:
    """A word with its first score, and how that looks."""

    label: str
    score: str
    ground: str
    drawing: Markup


def render_static(report: Report, templates: Path | None = None) -> str:
    """The page of a report without script and style; the same report gives the same page, byte for byte.

    Raises:
        InputError: something is wrong with `templates`, a folder whose files go before the built-in ones.
    """
    environment = make_environment(templates, charts=False)
    occurring = scores(report)
    gathered = Gathered(report, occurring)
    examples = []
    for number, result in enumerate(report.examples, 1):
        gathered.add(number, result)
        found = view(report, occurring, number, result)
        # What has an outline on the page is bold here.
        examples.append(replace(found, outlined=found.outlined.replace("outlined", "bold")))
    rest = {
        example.number: [
            figure
            for group in example.groups
            for figure in target_figures(example.result, occurring, group)
            if figure.index not in _shown(example)
        ]
        for example in examples
    }
    figures = {
        (example.number, figure.index): figure
        for example in examples
        for figure in (*rest[example.number], *example.figures, *example.others)
    }
    short = len(examples) > MANY
    titles = {aggregation.name: aggregation.title for aggregation in occurring.aggregations}
    of_bars = environment.get_template("static_bars.html.j2")

    def under(number: int, index: int) -> str:
        figure, example = figures[number, index], examples[number - 1]
        return of_bars.render(
            bars=list(_bars(example, figure)),
            title=figure.aggregation.title,
            map=figure.map,
            titles=[titles[name] for name in figure.map.scores],
            rounded=f"{ROUNDED} {' and '.join(titles[name] for name in names)}; {CANCEL}"
            if (names := cancelled(figure.map))
            else "",
            rows=[] if short else rows(figure.encoding, figure.map),
            open=not short and not figure.is_long and index == example.result.headline,
        )

    with located(templates):
        page = environment.get_template("static.html.j2").render(
            report=report,
            **gathered.shown(),
            count=len(examples),
            examples=examples,
            packed=False,
            mapped=False,
            scripted=False,
            has_sentences=False,
            record=None,
            rest=rest,
            short=short,
            scores=occurring,
            policy="",
            style="",
            bundle=None,
            outcomes_shown=OUTCOMES_SHOWN,
        )
    return Unstyled(under).convert(page).replace("\r", "&#13;")


def _shown(example: ExampleView) -> set[int]:
    """Maps that the page shows before anybody presses a button."""
    return {figure.index for figure in (*example.figures, *example.others) if not figure.hidden}


def _bars(example: ExampleView, figure: Figure) -> Iterator[Bar]:
    """The words of a map that are not special, in the order of the text."""
    encoding, signed = example.result.encodings[figure.map.encoding], figure.aggregation.signed
    labels, values = word_labels(encoding), text.all_rounded(figure.map.word_scores[figure.aggregation.name])
    shown = [index for index in range(len(values)) if not encoding.words[index].special]
    drawings = bars((values[index] for index in shown), figure.end, signed)
    for index, drawing in zip(shown, drawings, strict=True):
        score = values[index]
        yield Bar(
            labels[index],
            "not measured" if score is None else ("+" if signed and score > 0 else "") + text.significant(score),
            PALETTE.get(css_class(score, figure.end, signed), ""),
            Markup(drawing),
        )
