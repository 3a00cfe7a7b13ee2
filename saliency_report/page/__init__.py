"""One self-contained HTML page, drawn from a `Report` and from nothing else; never imports torch.

The text of every example is coloured here, so the page can be read with scripts off. What a
script may do is fixed by a Content-Security-Policy that admits the page's own script and Plotly by
their hashes and nothing else: no request can leave the page, and text from a model or an input can
never run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from saliency_report.page import colour, evidence, made, overview, run_links, run_overview, text
from saliency_report.page.catalogue import Catalogue
from saliency_report.page.facts import correlation
from saliency_report.page.island import example_data, page_data
from saliency_report.page.packs import EXAMPLES, Pack, batches, pack
from saliency_report.page.plotly_bundle import Bundle, csp_hash, plotly_bundle
from saliency_report.page.scores import scores
from saliency_report.page.view import OUTCOMES_SHOWN, ExampleView, view
from saliency_report.record import Report

__all__ = ["render_page"]

STYLES = ("report.css", "run.css", "list.css", "evidence.css")
SCRIPTS = ("report.js", "data.js", "list.js", "elements.js", "example.js")
CHARTS = ("charts.js", "evidence.js")
NO_CHARTS = ("no_charts.js",)

_HERE = Path(__file__).resolve().parent.parent


def render_page(report: Report, *, charts: bool = True) -> str:
    """The page of a report; the same report gives the same page, byte for byte."""
    environment = _environment()
    environment.globals["charts"] = charts
    occurring = scores(report)
    mapped = any(result.maps for result in report.examples)
    scripted = mapped or len(report.examples) > EXAMPLES
    bundle = plotly_bundle() if charts and mapped else None
    style = _palette_css() + _joined(environment, *STYLES)
    script = _joined(environment, *SCRIPTS, *(CHARTS if charts and mapped else NO_CHARTS), "start.js")

    card = environment.get_template("example.html.j2")
    first: list[ExampleView] = []
    cards: list[Markup] = []
    packs: list[Pack] = []
    catalogue = Catalogue()
    for batch in batches(enumerate(report.examples, 1)):
        examples = [view(report, occurring, number, result) for number, result in batch]
        packed = bool(first)
        drawn = [
            card.render(report=report, example=example, outcomes_shown=OUTCOMES_SHOWN, packed=packed)
            for example in examples
        ]
        for example in examples:
            catalogue.add(example)
        data: dict[str, Any] = {"data": [example_data(example) if example.figures else None for example in examples]}
        if packed:
            data["cards"] = [_without_returns(html) for html in drawn]
        else:
            first, cards = examples, [Markup(html) for html in drawn]
        packs.append(pack(data))

    page = environment.get_template("report.html.j2").render(
        report=report,
        count=len(report.examples),
        examples=first,
        cards=cards,
        mapped=mapped,
        scripted=scripted,
        choices=catalogue.choices(),
        scores=occurring,
        page_data=page_data(occurring),
        catalogue=pack(catalogue.data()),
        packs=packs,
        pack_size=EXAMPLES,
        policy=_policy(style, script if scripted else "", bundle),
        style=Markup(style),
        script=Markup(script),
        bundle=bundle,
    )
    return _without_returns(page)


def _without_returns(html: str) -> str:
    """An HTML parser turns a bare carriage return into a newline; as a reference it stays itself."""
    return html.replace("\r", "&#13;")


def _policy(style: str, script: str, bundle: Bundle | None) -> str:
    """Nothing is allowed but what is named here; images of data: and blob: are Plotly's download button."""
    scripts, styles = [csp_hash(script)], [csp_hash(style)]
    if bundle:
        scripts.append(bundle.csp_hash)
        # Plotly makes an empty style sheet, which it fills by rules, and sets empty style attributes, which need
        # 'unsafe-hashes' besides. plotly.js 3.0.0 and 4.1.1 so draw bars, heatmaps, hover labels and the mode bar
        # without a violation. Bold in a hover label would be one: it becomes a style attribute.
        styles += ["'unsafe-hashes'", csp_hash("")]
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {' '.join(scripts)}",
            f"style-src {' '.join(styles)}",
            "img-src data: blob:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _environment() -> Environment:
    """Templates lie beside the package in a checkout and inside it in a wheel."""
    folder = next(path for path in (_HERE / "templates", _HERE.parent / "templates") if path.is_dir())
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    environment.filters.update(
        significant=text.significant,
        probability=text.probability,
        probability_stated=text.probability_stated,
        percent=text.percent,
        rounded=text.rounded,
        duration=text.duration,
        moment=text.moment,
        label=text.label,
        preview=text.preview,
        task_name=overview.task_name,
        identity=overview.identity,
        parameters=overview.parameters,
        correlation=correlation,
    )
    environment.globals.update(
        summary=overview.summary,
        evidence=evidence,
        made=made,
        run_overview=run_overview.overview,
        filtered=run_links.filtered,
    )
    return environment


def _finalize(value: Any) -> Any:
    """Applied to whatever a template prints: control characters become visible."""
    return text.visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _joined(environment: Environment, *names: str) -> str:
    """Template files one after another, without indents and lines of comment, which are a fifth of them."""
    assert environment.loader is not None
    text = "".join(environment.loader.get_source(environment, name)[0] for name in names)
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith(("//", "/*")))


def _palette_css() -> str:
    light, dark = (
        ";".join(f"{name}:{value}" for name, value in colour.palette(theme).items())
        for theme in (colour.LIGHT, colour.DARK)
    )
    classes = "".join(
        f".{name}{number}{{background:var(--{name}{number})}}"
        for name in colour.LIGHT.hues
        for number in range(1, colour.STEPS + 1)
    )
    dark_rule = f"@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"
    return f":root{{{light}}}{dark_rule}{classes}\n"
