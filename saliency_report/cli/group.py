"""What becomes of an error: one clear sentence, the next step and an exit code."""

from __future__ import annotations

import sys
from typing import Any

import rich_click as click
from click.exceptions import Exit

from saliency_report.errors import SaliencyReportError

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
        except (click.ClickException, Exit, click.Abort, BrokenPipeError):  # the last where `head` has read enough
            raise
        except Exception as error:
            if ctx.meta.get("debug"):
                raise
            click.echo(f"Error: unexpected {type(error).__name__}: {error}", err=True)
            click.echo("This is a mistake in saliency-report. Run again with --debug to see where.", err=True)
            sys.exit(UNEXPECTED)
