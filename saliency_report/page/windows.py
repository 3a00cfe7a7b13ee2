"""What the page says of a text that the model read in several windows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from saliency_report.page.text import preview
from saliency_report.record import ExampleResult

PREVIEW = 40  # characters of the beginning of a window's words


@dataclass(frozen=True)
class WindowRow:
    """One window: the beginning of its words, and its answer if it has any.

    Of a label the logit is that of the explained one and the answer the likeliest one; of a context both are of the
    likeliest answer.
    """

    number: int
    text: str
    logit: float | None
    answer: str


@dataclass(frozen=True)
class Windows:
    """The windows of the headline map's text: what F is of, and a row for each.

    Of a label, `label` is the explained one, which has a `quantity` in each.
    """

    of: Literal["label", "words", "answer"]
    rows: list[WindowRow]
    tokens: int
    label: str = ""
    quantity: str = ""


def windows(result: ExampleResult) -> Windows | None:
    """The windows of an example; none where its text was read at once."""
    if not result.maps or not result.prediction:
        return None
    head = result.maps[result.headline]
    encoding, outcomes = result.encodings[head.encoding], result.prediction.outcomes
    if not encoding.windows:
        return None
    text, link, tokens = encoding.segments[-1].text, result.prediction.link, encoding.windows[0].tokens
    if head.target.window is not None:
        rows = [
            WindowRow(
                number,
                preview(text[window.scored_start : window.scored_end], PREVIEW),
                window.answer.logit if window.answer else None,
                window.answer.label if window.answer else "",
            )
            for number, window in enumerate(encoding.windows, 1)
        ]
        return Windows("answer" if any(row.answer for row in rows) else "words", rows, tokens)
    rows = [
        WindowRow(
            number,
            preview(text[window.scored_start : window.scored_end], PREVIEW),
            window.logits[head.target.index],
            outcomes[max(range(len(outcomes)), key=window.logits.__getitem__)].label if link != "none" else "",
        )
        for number, window in enumerate(encoding.windows, 1)
    ]
    return Windows("label", rows, tokens, head.target.label, "number" if link == "none" else "logit")
