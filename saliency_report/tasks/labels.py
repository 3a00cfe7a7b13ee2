"""What the outputs of a classifier are, and which of them an example means."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from saliency_report.errors import ExampleError
from saliency_report.record import Link
from saliency_report.spec import TextClassification
from saliency_report.tasks.base import Checkpoint

SCORE = "score"  # what a single number is called that the checkpoint has no name for
LINKS: dict[str, Link] = {
    "single_label_classification": "softmax",
    "multi_label_classification": "sigmoid",
    "regression": "none",
}


@dataclass(frozen=True)
class Head:
    """The outputs of a classifier by name, and how they become probabilities."""

    labels: list[str]
    link: Link

    def index(self, field: str, value: str | int) -> int:
        """A label's name or index as its index.

        Raises:
            ExampleError: there is no such label, or it is not clear which one is meant.
        """
        labels = self.labels
        if isinstance(value, int):
            if str(value) in labels and labels.index(str(value)) != value:
                raise ExampleError(
                    f"{field}: {value} is the index of the label {labels[value]!r} and the name of another."
                    if value < len(labels)
                    else f"{field}: the model has no label of index {value}.",
                    f"Write '{value}' in quotes for the name, or the name of the label you mean.",
                )
            if not 0 <= value < len(labels):
                raise ExampleError(f"{field}: the model has no label {value}.", self.known)
            return value
        if value not in labels:
            folded = {label.casefold(): label for label in labels}
            close = folded.get(value.casefold()) or next(iter(difflib.get_close_matches(value, labels, n=1)), None)
            hint = f"Did you mean {close!r}? " if close else ""
            raise ExampleError(f"{field}: the model has no label {value!r}.", hint + self.known)
        return labels.index(value)

    def indices(self, field: str, value: str | int | Sequence[str | int]) -> list[int]:
        """The indices of one label or of several.

        Raises:
            ExampleError: there is no such label, or one is named twice.
        """
        found = [self.index(field, one) for one in ([value] if isinstance(value, str | int) else value)]
        if len(set(found)) < len(found):
            twice = next(one for i, one in enumerate(found) if one in found[:i])
            raise ExampleError(f"{field}: {self.labels[twice]!r} stands twice.", "Name each label once.")
        return found

    @property
    def known(self) -> str:
        """Its labels, in a sentence."""
        shown = ", ".join(self.labels[:20])
        more = f" and {len(self.labels) - 20} more" if len(self.labels) > 20 else ""
        return f"Its labels are {shown}{more} (0 to {len(self.labels) - 1})."


def head(example: TextClassification, checkpoint: Checkpoint) -> Head:
    """The outputs of the model, as the example or else its configuration says.

    Raises:
        ExampleError: a softmax is asked for over a single output.
    """
    names = checkpoint.labels
    count, problem = len(names), example.problem_type or getattr(checkpoint.config, "problem_type", None)
    link = LINKS.get(problem or "", "none" if count == 1 else "softmax")
    if count == 1 and link == "softmax":
        raise ExampleError(
            "The model has a single output: as one label of several it would always have the probability 1.",
            "Write problem_type: regression for the number itself, or multi_label_classification for its sigmoid.",
        )
    return Head([SCORE] if link == "none" and names == ["LABEL_0"] else names, link)


def check(example: TextClassification, outputs: Head) -> None:
    """Refuse fields that name no output of the model, or that its outputs have no use for.

    Raises:
        ExampleError: what does not fit, and what to do about it.
    """
    if outputs.link == "none":
        if example.quantity != "logit":
            raise ExampleError(
                f"quantity: {example.quantity}: the model gives a number, which has no probability and no loss here.",
                "Leave quantity out: the number itself is explained.",
            )
        if example.label is not None:
            raise ExampleError(
                "label: the model gives a number and no label, so none is right or wrong.", "Leave label out."
            )
        if example.foil == "runner-up" or (example.foil is not None and len(outputs.labels) == 1):
            raise ExampleError(
                f"foil: {example.foil}: the model gives {'a number' if len(outputs.labels) == 1 else 'numbers'} and "
                "no answers, of which one is the runner-up.",
                "Leave foil out." if len(outputs.labels) == 1 else f"Name another number. {outputs.known}",
            )
    if outputs.link == "softmax" and isinstance(example.label, list):
        raise ExampleError(
            "label: the model chooses one label, so a list of them cannot be right.",
            "Write one label; or problem_type: multi_label_classification where each output has a sigmoid of its own.",
        )
    if example.quantity == "loss" and example.label == []:
        raise ExampleError(
            "quantity: loss: label is empty, so there is no right label whose loss could be explained.",
            "Name a target, and write quantity: log_prob.",
        )
    if example.target != "predicted":
        outputs.indices("target", example.target)
    if example.label is not None:
        outputs.indices("label", example.label)
    if example.foil not in (None, "runner-up"):
        outputs.index("foil", example.foil)


def above(logits: Tensor, threshold: float) -> list[int]:
    """Indices of the logits (c,) whose sigmoid is above the threshold, the largest first.

    The logits are compared, which no device rounds: the maps of a batch are counted before and after it is copied.
    """
    least = -math.inf if threshold == 0 else math.inf if threshold == 1 else math.log(threshold / (1 - threshold))
    values = logits.detach()
    return [i for i in values.argsort(descending=True, stable=True).tolist() if float(values[i]) > least]


def explained(example: TextClassification, outputs: Head, logits: Tensor) -> tuple[list[int], int | None]:
    """Indices of the explained outputs and of the foil, given the logits (c,).

    Raises:
        ExampleError: the foil is a target.
    """
    order: list[int] = logits.argsort(descending=True, stable=True).tolist()
    if example.quantity == "loss" and example.label is not None:
        targets = outputs.indices("label", example.label)
    elif example.target != "predicted":
        targets = outputs.indices("target", example.target)
    elif outputs.link == "none":
        targets = [*range(len(outputs.labels))]
    else:
        found = above(logits, example.threshold) if outputs.link == "sigmoid" else []
        targets = found or order[:1]
    if example.foil is None:
        return targets, None
    others = [i for i in order if i not in targets]
    if example.foil == "runner-up" and not others:
        raise ExampleError(
            "foil: runner-up: every label is a target, so none is left to compare with.", "Name fewer targets."
        )
    foil = others[0] if example.foil == "runner-up" else outputs.index("foil", example.foil)
    if foil in targets and len(targets) > 1 and example.target == "predicted" and example.quantity != "loss":
        targets = [target for target in targets if target != foil]
    if foil in targets:
        raise ExampleError(
            f"foil: {outputs.labels[foil]!r} is the target itself; their difference is always 0.",
            "Write `foil: runner-up`, or another label.",
        )
    return targets, foil
