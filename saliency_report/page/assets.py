"""The page's style sheet, its script, and the policy that admits them and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment

from saliency_report.page import colour
from saliency_report.page.own_templates import BRAND, BUILTIN
from saliency_report.page.plotly_bundle import Bundle, csp_hash

STYLES = ("report.css", "run.css", "list.css", "reading.css", "evidence.css", "download.css", "print.css")
DOWNLOADS = ("picture.js", "picture_text.js", "download_table.js", "download.js")
READING = ("values.js", "elements.js", "pointing.js", "keys.js", "beside.js", "example.js")
SCRIPTS = ("report.js", "data.js", "list.js", *READING, *DOWNLOADS, "print.js")
CHARTS = ("charts.js", "evidence.js")
NO_CHARTS = ("no_charts.js",)
LOADER = "loader.js"


def style_of(environment: Environment, templates: Path | None, *more: str) -> str:
    """The palette and the style sheets, `more` of them, and brand.css of a folder of templates last."""
    brand = [BRAND] if templates and (templates / BRAND).is_file() else []
    return _palette_css() + _joined(environment, *STYLES, *more, *brand)


def loader_of(environment: Environment) -> str:
    """The script that unpacks the other one and has it run."""
    return _joined(environment, BUILTIN + LOADER)


def script_of(environment: Environment, *, charts: bool) -> str:
    """The page's script; built-in files alone, since what is joined here may run."""
    names = (*SCRIPTS, *(CHARTS if charts else NO_CHARTS), "start.js")
    return _joined(environment, *(BUILTIN + name for name in names))


def content_policy(style: str, scripts: Sequence[str], bundle: Bundle | None) -> str:
    """Nothing is allowed but what is named here; images of data: and blob: are for downloads of pictures."""
    admitted, styles = [csp_hash(script) for script in scripts] or ["'none'"], [csp_hash(style)]
    if bundle:
        admitted.append(bundle.csp_hash)
        # Plotly makes an empty style sheet, which it fills by rules, and sets empty style attributes, which need
        # 'unsafe-hashes' besides. plotly.js 3.0.0 and 4.1.1 so draw bars, heatmaps, hover labels and the mode bar
        # without a violation. Bold in a hover label would be one: it becomes a style attribute.
        styles += ["'unsafe-hashes'", csp_hash("")]
    # A page without Plotly, or with its small bundle, puts in no string as HTML that its own policy has not let in.
    trusted = ["require-trusted-types-for 'script'", "trusted-types saliency-report"]
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {' '.join(admitted)}",
            f"style-src {' '.join(styles)}",
            "img-src data: blob:",
            "base-uri 'none'",
            "form-action 'none'",
            *(trusted if bundle is None or bundle.trusts_types else []),
        ]
    )


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
    dark_rule = f"@media screen and (prefers-color-scheme:dark){{:root:where(:not(.on-paper)){{{dark}}}}}"
    return f":root{{{light}}}{dark_rule}{classes}\n"
