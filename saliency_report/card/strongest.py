"""The strongest words of a map, with their numbers and their shares of all."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from saliency_report.page import text
from saliency_report.page.figures import Figure
from saliency_report.page.tables import word_labels

SHOWN = 10


@dataclass(frozen=True)
class Strong:
    """A word, which one of its text it is, its text's name, its score as it is written, and its share."""

    label: str
    place: str
    part: str
    score: str
    share: str


def strongest(figure: Figure, most: int = SHOWN) -> list[Strong]:
    """The words of the largest scores, signs left aside; special tokens and what no text shows are none."""
    encoding, signed = figure.encoding, figure.aggregation.signed
    scores = text.all_rounded(figure.map.word_scores[figure.aggregation.name])
    labels = word_labels(encoding)
    words = [
        (index, score)
        for index, (word, score) in enumerate(zip(encoding.words, scores, strict=False))
        if score is not None and word.segment is not None and not word.special
    ]
    errors = figure.map.noise.word_standard_errors.get(figure.aggregation.name) if figure.map.noise else None
    total = sum(abs(score) for _, score in words)
    counted = Counter[int | None]()
    places = []
    for word in encoding.words:
        counted[word.segment] += not word.special
        places.append(counted[word.segment])
    return [
        Strong(
            labels[index],
            f"{places[index]:,} of {counted[encoding.words[index].segment]:,}",
            figure.flows[encoding.words[index].segment or 0].name,
            ("+" if signed and score > 0 else "") + text.with_error(score, errors[index] if errors else None),
            text.percent(abs(score) / total),
        )
        for index, score in sorted(words, key=lambda pair: -abs(pair[1]))[:most]
        if score
    ]
