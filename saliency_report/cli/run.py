"""`saliency-report run`: from a YAML file to the page, what is told of it, and the exit code."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import fields
from pathlib import Path, PureWindowsPath
from typing import Any

import rich_click as click
from click.core import ParameterSource
from rich.console import Console

from saliency_report.cli.options import DEBUG, FILE, computing_options, page_options
from saliency_report.computing import Computing
from saliency_report.drawing import Drawing
from saliency_report.errors import OutputError
from saliency_report.output import check_writable
from saliency_report.spec import load_spec


@click.command()
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
    if junit:
        if junit.resolve() in {path.resolve() for path in (input, journal, record_path, *drawing.paths)}:
            raise OutputError(f"{junit} is the input, or another file of this run.", "Name another file with --junit.")
        check_writable(junit, "--junit", "report.xml")

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
