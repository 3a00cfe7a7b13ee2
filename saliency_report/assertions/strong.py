"""Assertions about the map that is shown first: which words are strong in it, and where it lies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from saliency_report.assertions.finding import Finding, UntestableError, listed, percent
from saliency_report.record import Encoding, ExampleResult, Map
from saliency_report.spec.texts import SPECIAL, Span, own_texts, part_spans, whole_words
from saliency_report.words import touched

# A chat template's own text, and an answer whose tokens F is of: neither is a reason.
NO_REASONS = ("template", "answer")
SHOWN = 20  # words that are named


def headline(result: ExampleResult) -> tuple[Map, Encoding]:
    """The map that is shown first, and its tokens.

    Raises:
        UntestableError: there is none, or all of its numbers are 0.
    """
    if not result.maps:
        raise UntestableError("the example has no map; its card says why")
    map_ = result.maps[result.headline]
    if not any(map_.scores[map_.first_score]):
        raise UntestableError("all numbers of the map are 0")
    return map_, result.encodings[map_.encoding]


def ranks(map_: Map, encoding: Encoding) -> dict[int, int]:
    """The place of each word by the size of its first score, 1 the strongest; equal sizes share a place.

    Special tokens are left out, as are what has no number and the text of a chat template. A word at 0 has no place.
    """
    sizes = {
        i: abs(score)
        for i, (word, score) in enumerate(zip(encoding.words, map_.word_scores[map_.first_score], strict=False))
        if score and not word.special and word.segment is not None
        if encoding.segments[word.segment].name not in NO_REASONS
    }
    ordered = sorted(sizes.values(), reverse=True)
    place: dict[float, int] = {}
    for rank, size in enumerate(ordered, 1):
        place.setdefault(size, rank)
    return {i: place[size] for i, size in sizes.items()}


def top_words(result: ExampleResult, value: dict[str, Any]) -> Finding:
    """Whether words are, or are not, among the strongest: of several in one text each, or any, has to be."""
    map_, encoding = headline(result)
    side = "include" if "include" in value else "exclude"
    k, placed = value["k"], ranks(map_, encoding)
    if len(placed) <= k:
        raise UntestableError(f"only {len(placed)} words have numbers other than 0; write a smaller k")
    texts = own_texts(result.task, result.inputs)
    said, held = [], []
    for words in value[side]:
        spans = [(name, *span) for name, text in texts.items() for span in whole_words(words, text)]
        places = [[placed.get(i) for i in _words(encoding, texts, [span])] for span in spans]
        if side == "include":
            best = min((max(p if p else k + len(placed) for p in of) for of in places if of), default=None)
            shown = best if best is not None and best <= len(placed) else None
            held.append(best is not None and best <= k)
        else:
            shown = min((p for of in places for p in of if p), default=None)
            held.append(shown is None or shown > k)
        said.append(f"{words}: {_place(shown, spans)}")
    strongest = [_word(encoding, i) for i, place in sorted(placed.items(), key=lambda item: item[1]) if place <= k]
    found = f"{', '.join(said)} of {len(placed)}; strongest: {', '.join(strongest[:SHOWN])}"
    if len(strongest) > k:
        found += f" ({len(strongest)} words, since equal numbers share a place)"
    alone = len(held) == 1 and shown is not None
    return Finding(all(held), found, float(shown) if alone and shown else None, float(k) if alone else None)


def _place(place: int | None, spans: Sequence[Span]) -> str:
    if not spans:
        return "not in the text"
    return "no number" if place is None else f"place {place}"


def expected_words(value: dict[str, Any]) -> str:
    """hated among the 3 strongest words."""
    side, k = ("include" if "include" in value else "exclude"), value["k"]
    no, most = "" if side == "include" else "not ", "the strongest word" if k == 1 else f"the {k} strongest words"
    among = "" if k == 1 else "among "
    return f"{listed(value[side])} {no}{among}{most}"


def max_share(result: ExampleResult, value: dict[str, float]) -> Finding:
    """How much of the summed sizes of the first scores lies on a part, special tokens counted among all."""
    ((part, most),) = value.items()
    map_, encoding = headline(result)
    if part == SPECIAL:
        if map_.special_share is None:
            raise UntestableError("the map does not measure special tokens")
        there = any(token.special for token in encoding.tokens)
        said = percent(map_.special_share, most) + ("" if there else ": there are no special tokens")
        return Finding(map_.special_share <= most, said, map_.special_share, most)
    texts = own_texts(result.task, result.inputs)
    spans = part_spans(part, texts)
    if not spans:
        raise UntestableError("it does not occur in the text; copy words from there")
    sizes = [None if score is None else abs(score) for score in map_.scores[map_.first_score]]
    of_words = {
        i: [size for token in encoding.words[i].tokens if token < len(sizes) and (size := sizes[token]) is not None]
        for i in _words(encoding, texts, spans)
    }
    measured = [size for own in of_words.values() for size in own]
    if not measured:
        raise UntestableError("the map has no number for it; assert a part that the explained answer can depend on")
    share = min(sum(measured) / sum(size for size in sizes if size is not None), 1.0)
    named = list(dict.fromkeys(_word(encoding, i) for i, own in of_words.items() if own))
    more = f" and {len(named) - 5} more" if len(named) > 5 else ""
    return Finding(share <= most, f"{percent(share, most)} on {', '.join(named[:5])}{more}", share, most)


def expected_share(value: dict[str, float]) -> str:
    """At most 30 % of the map."""
    return f"at most {percent(next(iter(value.values())))} of the map"


def _words(encoding: Encoding, texts: dict[str, Any], spans: Sequence[Span]) -> list[int]:
    """The words that spans of the example's texts touch."""
    return [i for i, word in enumerate(encoding.words) if not word.special and touched(encoding, word, texts, spans)]


def _word(encoding: Encoding, index: int) -> str:
    word = encoding.words[index]
    return "" if word.segment is None else encoding.segments[word.segment].text[word.start : word.end]
