"""The command line; the only module that prints, exits or knows click.

torch, transformers and the page are imported by the commands that use them: `--help`, `check`, `schema` and `render`
work at once, and on a machine that has no torch.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path, PureWindowsPath
from typing import Any

import rich_click as click
from click.core import ParameterSource
from click.exceptions import Exit
from rich.console import Console

from saliency_report import __version__
from saliency_report.computing import Computing
from saliency_report.drawing import Drawing
from saliency_report.errors import OutputError, SaliencyReportError
from saliency_report.output import check_junit, write
from saliency_report.spec import DTYPES, json_schema, load_spec

UNEXPECTED = 70  # what sysexits.h calls an internal software error


class Commands(click.RichGroup):
    """Commands whose errors are one clear sentence, the next step and exit code 2; --debug shows the traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what the person can mend is printed, not raised."""
        try:
            return super().invoke(ctx)
        except SaliencyReportError as error:
            if ctx.meta.get("debug"):
                raise
            # Problems of an input file come without a next step: each line has a place and its own.
            click.echo(f"Error: {error.message}" if error.next_step else error.message, err=True)
            if error.next_step:
                click.echo(error.next_step, err=True)
            sys.exit(2)
        except KeyboardInterrupt:
            click.echo("Stopped.", err=True)
            sys.exit(130)
        except (click.ClickException, Exit, click.Abort):
            raise
        except Exception as error:
            if ctx.meta.get("debug"):
                raise
            click.echo(f"Error: unexpected {type(error).__name__}: {error}", err=True)
            click.echo("This is a mistake in saliency-report. Run again with --debug to see where.", err=True)
            sys.exit(UNEXPECTED)


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


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="saliency-report")
def main() -> None:
    """How much each word moved a language model's answer, as one HTML file that opens anywhere."""


@main.command()
@click.argument("input", type=FILE)
@page_options
@click.option("--json", "record", is_flag=True, help="Write the record too, beside the page: report.json.")
@click.option("--junit", type=FILE, metavar="FILE", help="Write what is asserted as JUnit XML, for a build server.")
@computing_options
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Explain the first N examples only.")
@click.option("-q", "--quiet", is_flag=True, help="No heatmaps in the terminal.")
@DEBUG
@click.pass_context
def run(
    ctx: click.Context,
    /,
    input: Path,
    record: bool,
    junit: Path | None,
    limit: int | None,
    quiet: bool,
    **options: Any,
) -> None:
    """Explain the examples of a YAML file and write the page.

    Exit code 0: every example was explained, whatever its evidence says. 1: an example failed; the page shows the
    others and says why. 2: the input or an option is wrong. 3: all were explained, and an assertion failed.
    """
    computing = Computing(**{field.name: options.pop(field.name) for field in fields(Computing)})
    spec = load_spec(input)
    if limit:
        spec = spec.first(limit)
    drawing = Drawing(**options)
    record_path = drawing.output.with_suffix(".json")
    if record and drawing.output.suffix == ".json":
        raise OutputError(
            f"{record_path} is where --json writes the record.", "Name the page report.html, say, with -o."
        )
    journal = drawing.output.with_suffix(".journal")
    drawing.check(input, journal, *[record_path] * record)
    check_junit(junit, [input, journal, record_path, *drawing.paths])

    report, resumed = computing.report(
        spec, _typed(ctx), journal=journal, whole=limit is None, debug=bool(ctx.meta["debug"])
    )
    from saliency_report.assertions.github import Actions
    from saliency_report.assertions.junit import junit_parts
    from saliency_report.assertions.told import Told
    from saliency_report.record import json_parts
    from saliency_report.terminal import shown, summary

    results, actions, console = shown(report), Actions(os.environ), Console(soft_wrap=True, highlight=False)
    silence = actions.silence()
    click.echo(silence[0], nl=bool(silence[0]))
    for line in () if quiet else summary(report, results):
        console.print(line)
    others = [(record_path, json_parts)] * record + ([(junit, junit_parts)] if junit else [])
    outputs = drawing.save(report, *others)
    failed = sum(result.failure is not None for result in results)
    done = len(report.examples) - failed
    also = f", {failed} failed" if failed else ""
    also += f", {resumed.taken} of them taken from {journal}" if resumed.taken else ""
    if damaged := resumed.journal.damaged:
        lines = "A line of it was" if damaged == 1 else f"{damaged} lines of it were"
        click.echo(f"{journal}: {lines} cut off or damaged, and computed again.", err=True)
    click.echo(f"{done} explained{also} in {report.seconds:.1f} s on {report.device}: {', '.join(map(str, outputs))}")
    told = Told.of(report) if spec.asserts else Told()
    for said in told.lines():
        console.print(said)
    click.echo(silence[1], nl=bool(silence[1]))
    for command in actions.annotations(told, input):
        click.echo(command)
    actions.summarise(report, told)
    sys.exit(1 if failed else told.exit_code)


def _typed(ctx: click.Context) -> str:
    """The command with the options that were given, to be pasted; of a path its last part, since folders tell names."""
    words = ["saliency-report", str(ctx.info_name)]
    for parameter in ctx.command.params:
        name = str(parameter.name)
        if ctx.get_parameter_source(name) is not ParameterSource.COMMANDLINE:
            continue
        value = ctx.params.get(name, True)  # --debug is not passed on to the function
        if isinstance(parameter, click.Option):
            words.append(max(parameter.secondary_opts if value is False else parameter.opts, key=len))
        if not isinstance(value, bool):
            words.append(PureWindowsPath(str(value)).name or str(value))
    return shlex.join(words)


@main.command()
@click.argument("record", type=FILE)
@page_options
@DEBUG
def render(record: Path, **page: Any) -> None:
    """Draw the page of a report.json again; needs no torch."""
    from saliency_report.record import read_report

    report = read_report(record)
    drawing = Drawing(**page)
    drawing.check(record)
    for path, drawn in zip(drawing.paths, drawing.draw(report), strict=True):
        write(path, drawn)
    click.echo(f"{len(report.examples)} examples: {', '.join(map(str, drawing.paths))}")


@main.command()
@click.argument("old", type=FILE)
@click.argument("new", type=FILE)
@click.option("-o", "--output", type=FILE, default="diff.html", show_default=True, help="The page to write.")
@click.option("--json", "record", is_flag=True, help="Write the comparison too, beside the page: diff.json.")
@click.option("--no-flips", is_flag=True, help="Every prediction has to stay as it was.")
@click.option("--min-tau", type=click.FloatRange(-1, 1), metavar="T", help="The least τ of every example.")
@click.option("--min-median-tau", type=click.FloatRange(-1, 1), metavar="T", help="The least median τ of the run.")
@click.option("-q", "--quiet", is_flag=True, help="In the terminal only what does not hold.")
@DEBUG
def compare(old: Path, new: Path, output: Path, record: bool, quiet: bool, **asked: Any) -> None:
    """Two records of `run --json` on one page: which predictions changed, and whether the words behind them did.

    τ compares the order of the words before and now: 1 is the same, 0 no relation, -1 the reverse. Needs no torch.
    Exit code 0; 3: what was asked for does not hold; 2: a record or an option is wrong.
    """
    from saliency_report.compare.command import compared

    done = compared(old, new, output, asked, record=record, quiet=quiet)
    console = Console(soft_wrap=True, highlight=False)
    for line in done.lines:
        console.print(line)
    sys.exit(3 if done.broken else 0)


@main.command()
@click.argument("record", type=FILE)
@click.option("--example", "ids", multiple=True, metavar="ID", help="An example of it; give this again for more.")
@click.option("-o", "--output", type=FILE, help="The folder for the pictures. Default: card, or saliency-report.")
@click.option("--into", type=FILE, metavar="README", help="Put the Markdown between two lines of this file.")
@click.option("--method", metavar="NAME", help="Its map by this method. Default: the one that the page shows first.")
@click.option("--no-png", is_flag=True, help="No PNG beside the SVG of each text.")
@DEBUG
def card(record: Path, ids: tuple[str, ...], output: Path | None, no_png: bool, **options: Any) -> None:
    """Write examples of a report.json for a model card, Markdown and pictures; needs no torch.

    With --into the Markdown stands between the lines <!-- saliency-report: begin --> and <!-- saliency-report: end -->
    of that file, of which nothing else changes, and the pictures in the folder saliency-report beside it.
    """
    from saliency_report.card import write_card
    from saliency_report.record import read_report

    paths = write_card(read_report(record), ids, record, folder=output, with_png=not no_png, **options)
    click.echo(", ".join(map(str, paths)))


@main.command()
@click.argument("record", type=FILE)
@click.option("-o", "--output", type=FILE, default="space", show_default=True, help="The folder to write.")
@CHARTS
@TEMPLATE
@DEBUG
def space(record: Path, output: Path, **page: Any) -> None:
    """Write the page of a report.json as a folder for a static Space of the Hub; needs no torch."""
    from saliency_report.card.space import PAGE, write_space
    from saliency_report.record import read_report

    paths = write_space(read_report(record), record, Drawing(output / PAGE, **page))
    click.echo(f"{', '.join(map(str, paths))}\nUpload it, and choose a licence in its README.md if you like:")
    click.echo(f"  hf auth login\n  hf upload USER/NAME {shlex.quote(str(output))} . --repo-type space")


@main.command()
@click.argument("input", type=FILE)
@DEBUG
def check(input: Path) -> None:
    """Say what is wrong with a YAML file, all of it; needs no torch."""
    spec = load_spec(input)
    counts = Counter(example.task for example in spec.examples)
    tasks = ", ".join(f"{count} {task}" for task, count in counts.items())
    click.echo(f"{input}: {len(spec.examples)} examples, no problems ({tasks})")


@main.command()
@click.option("--record", is_flag=True, help="The schema of report.json instead.")
def schema(record: bool) -> None:
    """Print the JSON Schema of the YAML input, for editors that check while one types."""
    if record:
        from saliency_report.record import Report

        printed = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Report.model_json_schema()}
    else:
        printed = json_schema()
    click.echo(json.dumps(printed, indent=1, ensure_ascii=False))


@main.command()
def models() -> None:
    """List the embedded models, which serve when an example names none."""
    from saliency_report.embedded import EMBEDDED

    for task, folder in EMBEDDED.items():
        weights = (folder / "model.safetensors").stat().st_size
        architecture = json.loads((folder / "config.json").read_text(encoding="utf-8"))["architectures"][0]
        click.echo(f"{task}\n  {architecture}, {weights / 1e6:.1f} MB, {folder / 'README.md'}")
    click.echo("Any other: `model:` with a Hub id, a local folder or a .gguf file.")


if __name__ == "__main__":
    main()
