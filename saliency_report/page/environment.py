"""The templates, and what they can call."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined
from jinja2.ext import Extension
from markupsafe import Markup

from saliency_report.page import evidence, overview, run_links, text
from saliency_report.page.facts import correlation
from saliency_report.page.own_templates import BUILTIN, check_templates
from saliency_report.page.precision import in_words

_HERE = Path(__file__).resolve().parent.parent
# They lie beside the package in a checkout and inside it in a wheel.
_FOLDER = next(path for path in (_HERE / "templates", _HERE.parent / "templates") if path.is_dir())


class _Lean(Extension):
    """Built-in templates with no more than a blank of their lines' indents, which were 106 bytes of every card."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        built_in = filename is not None and Path(filename).parent == _FOLDER
        # Jinja takes the end of a line away after a tag, so there the indent is all that parts two words.
        return re.sub(r"(?m)(?<![%#]}\n)^[ \t]+", "", re.sub(r"(?m)^[ \t]+", " ", source)) if built_in else source


def make_environment(own: Path | None = None, *, charts: bool = True) -> Environment:
    """The templates, those of a folder of one's own first.

    Raises:
        InputError: that folder, or a template in it, is wrong.
    """
    environment = Environment(
        loader=ChoiceLoader(
            [
                *([FileSystemLoader(own)] if own else []),
                FileSystemLoader(_FOLDER),
                PrefixLoader({BUILTIN.rstrip("/"): FileSystemLoader(_FOLDER)}),
            ]
        ),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
        extensions=[_Lean],
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
        counted=text.plural,
        task_name=overview.task_name,
        identity=overview.identity,
        parameters=overview.parameters,
        correlation=correlation,
        precision=in_words,
    )
    environment.globals.update(
        charts=charts,
        summary=overview.summary,
        evidence=evidence,
        filtered=run_links.filtered,
    )
    if own:
        check_templates(own, environment)
    return environment


def _finalize(value: Any) -> Any:
    """Applied to whatever a template prints: control characters become visible."""
    return text.visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
