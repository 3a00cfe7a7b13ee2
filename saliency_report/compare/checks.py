"""What can be asked of a comparison, and where it does not hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from saliency_report.compare.record import Broken, Check, ExampleChange, Totals
from saliency_report.page.text import correlation

_NOTHING = Broken(expected="examples to compare", found="none")


@dataclass(frozen=True)
class Asked:
    """The assertions of the command line."""

    no_flips: bool = False
    min_tau: float | None = None
    min_median_tau: float | None = None

    def checks(self, examples: Sequence[ExampleChange], totals: Totals) -> list[Check]:
        """Each that was asked for; where there is nothing to compare, none of them holds."""
        found = []
        if self.no_flips:
            broken = list(_flips(examples))
            found.append(Check(name="--no-flips", broken=broken if totals.judged or broken else [_NOTHING]))
        if self.min_tau is not None:
            broken = list(_low(examples, self.min_tau)) if totals.taus else [_NOTHING]
            found.append(Check(name=f"--min-tau {self.min_tau:g}", broken=broken))
        if self.min_median_tau is not None:
            broken = list(_median(totals, self.min_median_tau)) if totals.taus else [_NOTHING]
            found.append(Check(name=f"--min-median-tau {self.min_median_tau:g}", broken=broken))
        return found


def _flips(examples: Sequence[ExampleChange]) -> Iterator[Broken]:
    """Other predictions, and examples that had one and have failed."""
    for example in examples:
        before, now = example.old, example.new
        if example.flipped and before and now:
            yield Broken(id=example.id, expected=before.text, found=now.text)
        elif before and example.failures[1] is not None:
            yield Broken(id=example.id, expected=before.text, found=f"failed: {example.failures[1]}")


def _low(examples: Sequence[ExampleChange], limit: float) -> Iterator[Broken]:
    for example in examples:
        if example.tau is not None and example.tau < limit:
            yield Broken(id=example.id, expected=f"τ of at least {limit:g}", found=f"τ {written(example.tau, limit)}")


def _median(totals: Totals, limit: float) -> Iterator[Broken]:
    if totals.median_tau is not None and totals.median_tau < limit:
        yield Broken(
            expected=f"a median τ of at least {limit:g}", found=f"a median τ of {written(totals.median_tau, limit)}"
        )


def written(tau: float, limit: float) -> str:
    """With as many digits as tell it from the limit: 0.598 is not 0.60 where 0.6 was asked for."""
    shown = correlation(tau)
    return shown if float(shown.replace("−", "-")) != limit else f"{tau:.6g}".replace("-", "−")
