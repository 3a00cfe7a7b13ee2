"""The templates, and what they can call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined
from markupsafe import Markup

from saliency_report.page import evidence, made, overview, run_links, run_overview, text
from saliency_report.page.facts import correlation
from saliency_report.page.own_templates import BUILTIN, check_templates

_HERE = Path(__file__).resolve().parent.parent


def make_environment(own: Path | None = None, *, charts: bool = True) -> Environment:
    """The templates, those of a folder of one's own first.

    Raises:
        InputError: that folder, or a template in it, is wrong.
    """
    # They lie beside the package in a checkout and inside it in a wheel.
    folder = next(path for path in (_HERE / "templates", _HERE.parent / "templates") if path.is_dir())
    environment = Environment(
        loader=ChoiceLoader(
            [
                *([FileSystemLoader(own)] if own else []),
                FileSystemLoader(folder),
                PrefixLoader({BUILTIN.rstrip("/"): FileSystemLoader(folder)}),
            ]
        ),
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
        charts=charts,
        summary=overview.summary,
        evidence=evidence,
        made=made,
        run_overview=run_overview.overview,
        filtered=run_links.filtered,
    )
    if own:
        check_templates(own, environment)
    return environment


def _finalize(value: Any) -> Any:
    """Applied to whatever a template prints: control characters become visible."""
    return text.visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
