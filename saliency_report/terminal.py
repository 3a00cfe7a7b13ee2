"""A result as a few lines for the terminal: what was answered, and the text as a heatmap."""

from __future__ import annotations

from rich.style import Style
from rich.text import Text

from saliency_report.page.text import probability
from saliency_report.record import Encoding, ExampleResult, Map

# Backgrounds from nothing to strongest, each with a text colour that keeps a contrast of 7:1 or more.
RAMP = [None, ("#fff3d6", "#000000"), ("#ffe0a3", "#000000"), ("#ffc766", "#000000"), ("#ffab33", "#000000")]
TOP_WORDS = 5
WIDTH = 600  # characters of text shown; the page has all of it


def lines(result: ExampleResult) -> list[Text]:
    """The heading, the heatmap of the headline map, its strongest words, and what went wrong."""
    shown = [_line(f"{result.id}  {result.task}  {_answer(result)}".rstrip(), "bold")]
    if result.failure:
        shown.append(_line(f"  failed: {result.failure.message} {result.failure.next_step}", "red"))
    elif result.maps:
        chosen = result.maps[result.headline]
        encoding = result.encodings[chosen.encoding]
        shown.append(Text("  ").append_text(heatmap(encoding, chosen)))
        shown.append(_line(f"  {chosen.target.sentence}; strongest: {_strongest(encoding, chosen)}", "dim"))
    return shown + [_line(f"  note: {warning}", "yellow") for warning in result.warnings]


def _line(text: str, style: str) -> Text:
    return Text(_printable(text), style=style)


def heatmap(encoding: Encoding, chosen: Map) -> Text:
    """The texts with a background by each word's l2, scaled to the strongest word that is shown."""
    scores = chosen.word_scores["l2"]
    top = max((s for s, word in zip(scores, encoding.words, strict=False) if not word.special), default=0.0)
    text, left = Text(), WIDTH
    for i, segment in enumerate(encoding.segments):
        part = Text(_printable(segment.text))
        for score, word in zip(scores, encoding.words, strict=False):
            if word.segment == i and not word.special and top > 0:
                colours = RAMP[min(len(RAMP) - 1, round(score / top * (len(RAMP) - 1)))]
                if colours:
                    part.stylize(Style(bgcolor=colours[0], color=colours[1]), word.start or 0, word.end)
        if segment.generated:
            part.stylize("underline")
        joined = not text or segment.name == "continuation"
        text.append_text(part[:left]) if joined else text.append(" / ").append_text(part[:left])
        left -= min(left, len(part))
    return text.append("…") if not left else text


def _strongest(encoding: Encoding, chosen: Map) -> str:
    scores = chosen.word_scores["l2"]
    words = [
        (score, encoding.segments[word.segment].text[word.start : word.end])
        for score, word in zip(scores, encoding.words, strict=False)
        if word.segment is not None and not word.special
    ]
    top = sorted((pair for pair in words if pair[1].strip()), key=lambda pair: -pair[0])[:TOP_WORDS]
    return ", ".join(f"{word} {score:.3g}" for score, word in top)


def _answer(result: ExampleResult) -> str:
    prediction = result.prediction
    if prediction is None or prediction.predicted is None:
        return ""
    outcome = prediction.outcomes[prediction.predicted]
    right = "" if prediction.expected is None else " right" if prediction.expected == prediction.predicted else " wrong"
    return f"{outcome.label} {probability(outcome.probability)}{right}"


def _printable(text: str) -> str:
    """One column a code point, no control characters: a text must not move the cursor or set colours."""
    return "".join(char if char.isprintable() else " " if char.isspace() else "\ufffd" for char in text)
