"""Scores that are zero in exact arithmetic: the record has what rounding left of them, the page has 0."""

from __future__ import annotations

from saliency_report.record import ExampleResult, Map

# Of the l1 of the same token: the largest in a map of BERT or GPT-2 is 2e-8 to 8e-8 in float32, up to 2e-4 in float16
# and up to 1.1e-3 in bfloat16; in Llama it is 0.03 to 0.5 in all of them.
ROUNDING = 1e-5
OF_HALF = {"float16": 1e-3, "bfloat16": 5e-3}


def cancelled(map_: Map, rounding: float = ROUNDING) -> list[str]:
    """Names of the scores whose numbers are what rounding left of slopes that cancel at every token.

    Where embeddings go through a layer norm and nothing else, as in BERT, the slopes of a token add up to zero.
    """
    sums, sizes = map_.scores.get("sum"), map_.scores.get("l1")
    if not sums or not sizes or not any(sizes):
        return []
    pairs = [(one, size) for one, size in zip(sums, sizes, strict=True) if one is not None and size is not None]
    if any(abs(one) > rounding * size for one, size in pairs):
        return []
    return [name for name in ("sum", "mean") if name in map_.scores]


def without_rounding(result: ExampleResult, dtype: str | None) -> ExampleResult:
    """The example with 0 for what rounding left, given its model's dtype: three digits of noise look like a finding."""
    names = [cancelled(map_, OF_HALF.get(dtype or "", ROUNDING)) for map_ in result.maps]
    if not any(names):
        return result
    return result.model_copy(
        update={"maps": [_with_zeros(map_, of) for map_, of in zip(result.maps, names, strict=True)]}
    )


def _with_zeros(map_: Map, names: list[str]) -> Map:
    scores, word_scores = (
        held | {name: _zeros(held[name]) for name in names} for held in (map_.scores, map_.word_scores)
    )
    return map_.model_copy(update={"scores": scores, "word_scores": word_scores})


def _zeros(values: list[float | None]) -> list[float | None]:
    return [None if value is None else 0.0 for value in values]
