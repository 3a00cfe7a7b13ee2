"""One self-contained HTML page, drawn from a `Report` and from nothing else; never imports torch.

The text of the first examples is coloured here, so the page can be read with scripts off. What a
script may do is fixed by a Content-Security-Policy that admits the page's own script and Plotly by
their hashes and nothing else: no request can leave the page, and text from a model or an input can
never run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Template
from markupsafe import Markup, escape

from saliency_report.errors import InputError
from saliency_report.page.assets import content_policy, script_of, style_of
from saliency_report.page.catalogue import Catalogue
from saliency_report.page.environment import make_environment
from saliency_report.page.island import example_data, page_data
from saliency_report.page.own_templates import located
from saliency_report.page.packs import EXAMPLES, Pack, batches, pack, packed_record
from saliency_report.page.plotly_bundle import plotly_bundle
from saliency_report.page.scores import Scores, scores
from saliency_report.page.view import OUTCOMES_SHOWN, ExampleView, view
from saliency_report.record import Report

__all__ = ["render_page"]


def render_page(
    report: Report, *, charts: bool = True, embed_record: bool = False, templates: Path | None = None
) -> str:
    """The page of a report; the same report gives the same page, byte for byte.

    Raises:
        InputError: something is wrong with `templates`, a folder whose files go before the built-in ones.
    """
    environment = make_environment(templates, charts=charts)
    occurring = scores(report)
    mapped = any(result.maps for result in report.examples)
    scripted = mapped or len(report.examples) > EXAMPLES or embed_record
    # A page without charts is one that has to be small.
    record = packed_record(report, anyhow=embed_record) if embed_record or (charts and scripted) else None
    bundle = plotly_bundle() if charts and mapped else None
    style = style_of(environment, templates)
    script = script_of(environment, charts=bundle is not None) if scripted else ""
    policy = content_policy(style, script, bundle)
    with located(templates):
        body = _Body(report, occurring, environment.get_template("example.html.j2"))
        page = environment.get_template("report.html.j2").render(
            report=report,
            count=len(report.examples),
            examples=body.first,
            cards=body.cards,
            mapped=mapped,
            scripted=scripted,
            choices=body.catalogue.choices(),
            scores=occurring,
            page_data=page_data(occurring),
            catalogue=pack(body.catalogue.data()),
            packs=body.packs,
            record=record,
            pack_size=EXAMPLES,
            policy=policy,
            style=Markup(style),
            script=Markup(script),
            bundle=bundle,
        )
    if escape(policy) not in page:
        raise InputError(
            f"{templates}: the page would have no Content-Security-Policy.",
            "Let report.html.j2 extend builtin/report.html.j2 and fill its blocks.",
        )
    return _without_returns(page)


class _Body:
    """The examples as the page has them: the first as cards, the others in packs, of which one at a time is made."""

    def __init__(self, report: Report, occurring: Scores, card: Template) -> None:
        self.first: list[ExampleView] = []
        self.cards: list[Markup] = []
        self.packs: list[Pack] = []
        self.catalogue = Catalogue()
        for batch in batches(enumerate(report.examples, 1)):
            examples = [view(report, occurring, number, result) for number, result in batch]
            packed = bool(self.first)
            drawn = [
                card.render(report=report, example=example, outcomes_shown=OUTCOMES_SHOWN, packed=packed)
                for example in examples
            ]
            for example in examples:
                self.catalogue.add(example)
            data: dict[str, Any] = {"data": [example_data(e) if e.figures else None for e in examples]}
            if packed:
                data["cards"] = [_without_returns(html) for html in drawn]
            else:
                self.first, self.cards = examples, [Markup(html) for html in drawn]
            self.packs.append(pack(data))


def _without_returns(html: str) -> str:
    """An HTML parser turns a bare carriage return into a newline; as a reference it stays itself."""
    return html.replace("\r", "&#13;")
