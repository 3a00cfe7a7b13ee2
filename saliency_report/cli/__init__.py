"""The command line; the only part that prints, exits or knows click.

torch, transformers and the page are imported by the commands that use them: `--help`, `check`, `schema` and `render`
work at once, and on a machine that has no torch.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import rich_click as click
from rich.console import Console

from saliency_report import __version__
from saliency_report.cli.group import Commands
from saliency_report.cli.options import CHARTS, DEBUG, FILE, TEMPLATE, page_options
from saliency_report.cli.run import run
from saliency_report.drawing import Drawing
from saliency_report.output import write
from saliency_report.spec import json_schema, load_spec


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="saliency-report")
def main() -> None:
    """How much each word moved a language model's answer, as one HTML file that opens anywhere."""


main.add_command(run)


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
    noun = "example" if len(spec.examples) == 1 else "examples"
    click.echo(f"{input}: {len(spec.examples)} {noun}, no problems ({tasks})")
    click.echo("Names of models and labels, masks and lengths are looked at by `run`, which loads the models.")


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
