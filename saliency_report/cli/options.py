"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import rich_click as click

from saliency_report.spec import DTYPES


def _remember_debug(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    ctx.meta["debug"] = value


FILE = click.Path(path_type=Path)
OUTPUT = click.option("-o", "--output", type=FILE, default="report.html", show_default=True, help="The page to write.")
STATIC = click.option(
    "--static",
    is_flag=True,
    help="Write a page without script and style too, for viewers that forbid them: report.static.html.",
)
TEMPLATE = click.option(
    "--template", "templates", type=FILE, metavar="DIR", help="A folder whose templates go before the built-in ones."
)
CHARTS = click.option(
    "--charts",
    type=click.Choice(("plotly", "none")),
    default="plotly",
    show_default=True,
    help="None leaves the chart library out of the page: 2 MB less.",
)
EMBED = click.option("--embed-record", is_flag=True, help="The record in the page, however large it is.")
DEVICE = click.option("--device", help="cuda, cuda:1, xpu, mps or cpu. Default: the first that there is.")
DTYPE = click.option(
    "--dtype",
    type=click.Choice(DTYPES),
    help="Number format of the weights; auto is the checkpoint's own. Default: float32 on a CPU, else auto.",
)
CHECK = click.option(
    "--check-precision",
    type=click.IntRange(min=1),
    metavar="N",
    help="Explain N examples of each model in half precision again in float32, and say how far they are apart.",
)
ENGINE = click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Explain in this process, or in several through Ray (pip install 'saliency-report[ray]').",
)
WORKERS = click.option(
    "--workers", type=click.IntRange(min=1), metavar="N", help="Ray: processes. Default: one a GPU or CPU."
)
ADDRESS = click.option(
    "--ray-address", metavar="ADDRESS", help="Ray: a cluster. Default: Ray is started on this machine."
)
FRESH = click.option(
    "--fresh", is_flag=True, help="Explain all again, also what the journal beside the page has: report.journal."
)
DEBUG = click.option(
    "--debug", is_flag=True, expose_value=False, callback=_remember_debug, help="Show the traceback of an error."
)


def page_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say which pages are drawn and where they go: the fields of a `Drawing`."""
    for option in (TEMPLATE, CHARTS, EMBED, STATIC, OUTPUT):
        command = option(command)
    return command


def computing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say how examples are explained: the fields of a `Computing`."""
    for option in (FRESH, ADDRESS, WORKERS, ENGINE, CHECK, DTYPE, DEVICE):
        command = option(command)
    return command
