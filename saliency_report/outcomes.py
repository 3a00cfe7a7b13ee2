"""What becomes of examples: a result each, also where something went wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from saliency_report import engine, record
from saliency_report.errors import ExampleError, without_paths
from saliency_report.packing import Budget
from saliency_report.record import ExampleResult
from saliency_report.sources import shown_name
from saliency_report.spec import Example


@dataclass
class Outcomes:
    """Results that are ready, by their places; with `debug` an unexpected exception goes on instead of into one."""

    budget: Budget
    debug: bool
    ready: list[tuple[int, ExampleResult]] = field(default_factory=list)

    def done(self, place: int, result: ExampleResult, seconds: float) -> None:
        """Note a result and the seconds that it took."""
        inputs = {**result.inputs, "model": shown_name(result.inputs["model"])}
        self.ready.append((place, result.model_copy(update={"inputs": inputs, "seconds": round(seconds, 6)})))

    def fail(self, place: int, example: Example, error: ExampleError) -> None:
        """Note that an example has no result but the reason."""
        result = ExampleResult(
            id=example.id,
            task=example.task,
            inputs=example.model_dump(exclude_defaults=True) | {"model": example.model},
            failure=record.Failure(message=error.message, next_step=error.next_step),
        )
        self.done(place, result, 0.0)

    @contextmanager
    def caught(self, place: int, example: Example) -> Iterator[None]:
        """Note an exception as the failure of one example."""
        try:
            yield
        except Exception as error:
            self.fail(place, example, self.failure(error))

    def failure(self, error: Exception) -> ExampleError:
        """What an example's card says of an exception; with `debug` an unexpected one goes on."""
        if engine.is_out_of_memory(error):
            self.budget.halve()
            return ExampleError(
                "Memory ran out on this example alone.", "Use a shorter text, a smaller model or another --device."
            )
        if isinstance(error, ExampleError):
            return error
        if self.debug:
            raise error
        first = without_paths(str(error).strip().partition("\n")[0]).rstrip(".")
        return ExampleError(f"{type(error).__name__}: {first}.", "Run again with --debug (debug=True) to see where.")
