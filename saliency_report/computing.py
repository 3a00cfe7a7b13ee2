"""How examples are explained, as the command line asks for it: where, in which format, in how many processes."""

from __future__ import annotations

import gc
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from saliency_report.errors import InputError
from saliency_report.progress import explaining
from saliency_report.spec import Spec

if TYPE_CHECKING:
    from saliency_report.record import Report
    from saliency_report.resume import Resumed


@dataclass(frozen=True)
class Computing:
    """The options of a run; `check_precision` is the number of examples of a model in half precision to explain again.

    Raises:
        InputError: options of Ray without Ray.
    """

    device: str | None = None
    dtype: str | None = None
    check_precision: int | None = None
    engine: Literal["local", "ray"] = "local"
    workers: int | None = None
    ray_address: str | None = None
    fresh: bool = False

    def __post_init__(self) -> None:
        if self.engine == "local" and (self.workers or self.ray_address):
            raise InputError("--workers and --ray-address are for Ray.", "Add --engine ray, or leave them out.")

    def report(self, spec: Spec, command: str, *, journal: Path, whole: bool, debug: bool) -> tuple[Report, Resumed]:
        """Explain the examples that the journal has not, with a bar where standard error is a terminal.

        `whole` says that they are all of the input.

        Raises:
            OutputError: the file of the journal is another one, or cannot be written.
        """
        # Before torch is loaded: OpenMP's threads wait for each other by spinning, and where other programs run they
        # keep the processor from those that they wait for: integrated gradients of 100 texts on two cores took up to
        # 213 s, and 22 s with a thirtieth of the spinning. On a quiet machine that costs 2 %, and threads that sleep
        # at once 28 %.
        if "OMP_WAIT_POLICY" not in os.environ:
            os.environ.setdefault("GOMP_SPINCOUNT", "10000")
        from saliency_report.engine import default_dtype, pick_device
        from saliency_report.journal import Journal
        from saliency_report.models import quiet
        from saliency_report.pipeline import Run, Share, alone
        from saliency_report.precision import check_precision
        from saliency_report.resume import Resumed

        gc.freeze()  # what is imported stays: looking through it for garbage was a tenth of the work around a gradient
        if not debug:
            warnings.simplefilter("ignore")
            quiet()
        share: Share = alone
        if self.engine == "ray":
            from saliency_report.on_ray import OnRay

            share = OnRay(self.ray_address, self.workers)
        resumed = Resumed(Journal(journal, fresh=self.fresh), share, whole)
        device = pick_device(self.device)
        with explaining(len(spec.examples)) as told:
            run = Run(spec, device, self.dtype or default_dtype(device), told, debug, command=command, share=resumed)
            report = run.report()
        if self.check_precision:
            report = check_precision(report, spec, device, self.check_precision)
        return report, resumed
