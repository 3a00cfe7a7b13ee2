"""Two maps over the same words: shares, their change, their order, and which words came and went."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from saliency_report.compare.align import Span, View, align, name_of
from saliency_report.compare.match import is_same_target
from saliency_report.compare.record import Block, MapChange, Seen, Side, Text
from saliency_report.metrics.rank import kendall_tau_b, order
from saliency_report.page.sentences import RULES
from saliency_report.record import Aggregation, ExampleResult, Map

TOP = 5
_HUGE = 1e300  # sums of such numbers can be larger than any float
_UNKNOWN = {"[unk]", "<unk>", "<|unk|>", "unk", "[unknown]"}  # as tokenizers write it; the record names it nowhere

Scores = Mapping[str, Aggregation]


def map_change(
    old: ExampleResult,
    new: ExampleResult,
    pair: tuple[int, int],
    scores: tuple[Scores, Scores],
    same_weights: bool,
) -> MapChange:
    """The change from a map of the old run to one of the new."""
    maps = old.maps[pair[0]], new.maps[pair[1]]
    before, after = maps
    views = tuple(
        View.of(result.encodings[map_.encoding], map_.target.position)
        for result, map_ in zip((old, new), maps, strict=True)
    )
    same_target = is_same_target(old, new, pair)
    rules = [held[map_.first_score] for held, map_ in zip(scores, maps, strict=True)]
    signed = same_target and all(rule.signed for rule in rules)
    texts, spans = align(*views)
    raw = [
        [_score(span_words, view, map_, rule) for span_words in words]
        for words, view, map_, rule in zip(
            ([span.old for span in spans], [span.new for span in spans]), views, maps, rules, strict=True
        )
    ]
    shares = [_shares(values, [not span.special for span in spans], signed) for values in raw]
    blocks = [
        Block(
            text=_text(span, [text.segment.text for text in texts], views),
            within=span.within,
            start=span.start,
            end=span.end,
            special=span.special,
            old=Side(words=span.old, score=raw[0][i], share=shares[0][i], unknown=_is_unknown(views[0], span.old)),
            new=Side(words=span.new, score=raw[1][i], share=shares[1][i], unknown=_is_unknown(views[1], span.new)),
            change=_less(shares[1][i], shares[0][i]),
        )
        for i, span in enumerate(spans)
    ]
    both = [(a, b) for a, b in zip(*shares, strict=True) if a is not None and b is not None]
    strongest = [_strongest(blocks, side) for side in shares]
    return MapChange(
        old=_seen(pair[0], before),
        new=_seen(pair[1], after),
        same_target=same_target,
        signed=signed,
        raw=same_weights and same_target and before.method == after.method and before.first_score == after.first_score,
        texts=[
            Text(
                name=text.segment.name,
                text=text.segment.text,
                of="old" if text.new is None else "new" if text.old is None else "both",
                generated=text.segment.generated,
            )
            for text in texts
        ],
        blocks=blocks,
        tau=kendall_tau_b([a for a, _ in both], [b for _, b in both]),
        top=TOP,
        went=[index for index in strongest[0] if index not in strongest[1]],
        came=[index for index in strongest[1] if index not in strongest[0]],
    )


def _seen(index: int, map_: Map) -> Seen:
    target = map_.target
    return Seen(
        map=index,
        method=map_.method,
        score=map_.first_score,
        quantity=target.quantity,
        target=map_.title,
        sentence=target.sentence,
        value=target.score,
    )


def _score(words: Sequence[int], view: View, map_: Map, rule: Aggregation) -> float | None:
    """The word's own number; of several words that of their tokens, by the rule that makes a word's."""
    if len(words) == 1:
        return map_.word_scores[map_.first_score][words[0]]
    tokens = [map_.scores[map_.first_score][token] for token in view.tokens_of(words)]
    there = [score for score in tokens if score is not None]
    return RULES[rule.word](there) if rule.word and there and len(there) == len(tokens) else None


def _shares(scores: Sequence[float | None], ordinary: Sequence[bool], signed: bool) -> list[float | None]:
    """Each number divided by the sum of all sizes, special tokens left out; nothing where all are 0."""
    counted = [score if holds else None for score, holds in zip(scores, ordinary, strict=True)]
    largest = max((abs(score) for score in counted if score is not None), default=0.0)
    if not largest:
        return [None] * len(counted)
    scale = largest if largest > _HUGE else 1.0
    total = math.fsum(abs(score) / scale for score in counted if score is not None)
    shares = [None if score is None else score / scale / total for score in counted]
    return shares if signed else [None if share is None else abs(share) for share in shares]


def _strongest(blocks: Sequence[Block], shares: Sequence[float | None]) -> list[int]:
    """The blocks with the largest shares, blanks left out."""
    there = [(i, abs(share)) for i, share in enumerate(shares) if share and blocks[i].text.strip()]
    return [there[place][0] for place in order([size for _, size in there])[:TOP]]


def _less(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def _text(span: Span, texts: Sequence[str], views: Iterable[View]) -> str:
    if span.within is not None and span.start is not None and span.end is not None and span.start < span.end:
        return texts[span.within][span.start : span.end]
    found = (name_of(view.encoding, words) for view, words in zip(views, (span.old, span.new), strict=True))
    return next(filter(None, found), "")


def _is_unknown(view: View, words: Sequence[int]) -> bool:
    return any(view.encoding.tokens[token].text.lower() in _UNKNOWN for token in view.tokens_of(words))
