"""One self-contained HTML page, drawn from a `Report` and from nothing else; never imports torch.

The text of the first examples is coloured here, so the page can be read with scripts off. What a
script may do is fixed by a Content-Security-Policy that admits the page's own script and Plotly by
their hashes and nothing else: no request can leave the page, and text from a model or an input can
never run.
"""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup, escape

from saliency_report.collection import uncollected
from saliency_report.errors import InputError
from saliency_report.page.assets import content_policy, loader_of, script_of, style_of
from saliency_report.page.body import Body, without_returns
from saliency_report.page.environment import make_environment
from saliency_report.page.island import page_data
from saliency_report.page.own_templates import located
from saliency_report.page.packs import EXAMPLES, compressed, pack, packed_record
from saliency_report.page.plotly_bundle import plotly_bundle
from saliency_report.page.scores import scores
from saliency_report.record import Report

__all__ = ["page_parts", "render_page"]


def render_page(
    report: Report, *, charts: bool = True, embed_record: bool = False, templates: Path | None = None
) -> str:
    """The page of a report; the same report gives the same page, byte for byte.

    Raises:
        InputError: something is wrong with `templates`, a folder whose files go before the built-in ones.
    """
    return "".join(page_parts(report, charts=charts, embed_record=embed_record, templates=templates))


@uncollected()
def page_parts(
    report: Report, *, charts: bool = True, embed_record: bool = False, templates: Path | None = None
) -> list[str]:
    """The same text in pieces: with one emoji the 10 MB of 10,000 examples are 40 MB as one string."""
    environment = make_environment(templates, charts=charts)
    occurring = scores(report)
    mapped = any(result.maps for result in report.examples)
    scripted = mapped or len(report.examples) > EXAMPLES or embed_record
    # A page without charts is one that has to be small.
    record = packed_record(report, anyhow=embed_record) if embed_record or (charts and scripted) else None
    bundle = plotly_bundle() if charts and mapped else None
    style = style_of(environment, templates)
    loader = loader_of(environment)
    script = script_of(environment, charts=bundle is not None)
    policy = content_policy(style, [loader, script] if scripted else [], bundle)
    with located(templates):
        body = Body(report, occurring, environment.get_template("example.html.j2"))
        pieces = environment.get_template("report.html.j2").generate(
            report=report,
            count=len(report.examples),
            **body.gathered.shown(),
            examples=body.first,
            cards=body.cards,
            mapped=mapped,
            scripted=scripted,
            choices=body.catalogue.choices(),
            scores=occurring,
            has_sentences=body.has_sentences,
            has_scales=bool(body.scales.data()),
            own_method=body.own_method,
            page_data=page_data(occurring, body.scales),
            catalogue=pack(body.catalogue.data()),
            packs=body.packs,
            record=record,
            pack_size=EXAMPLES,
            policy=policy,
            style=Markup(style),
            loader=Markup(loader),
            script=compressed(script),
            bundle=bundle,
        )
        parts = [without_returns(piece) for piece in pieces]
    if not any(escape(policy) in part for part in parts):
        raise InputError(
            f"{templates}: the page would have no Content-Security-Policy.",
            "Let report.html.j2 extend builtin/report.html.j2 and fill its blocks.",
        )
    return parts
