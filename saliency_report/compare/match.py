"""Which examples and which maps of two runs are the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from typing import TypeVar

from saliency_report.compare.align import View
from saliency_report.page.targets import groups
from saliency_report.record import Encoding, ExampleResult, Map

# Fields that say what the model is given, and between what it chooses.
TEXTS = (
    "text",
    "text_pair",
    "prompt",
    "messages",
    "chat",
    "continuation",
    "context",
    "question",
    "choices",
    "candidate_labels",
    "hypothesis_template",
)
T = TypeVar("T")


def numbered(items: Iterable[T]) -> list[tuple[T, int]]:
    """Each with how often it came before: what a list has twice is matched in its order."""
    seen: Counter[T] = Counter()
    found = []
    for item in items:
        found.append((item, seen[item]))
        seen[item] += 1
    return found


def has_same_text(old: ExampleResult, new: ExampleResult) -> bool:
    """Whether two examples ask the same: task and texts; a field that an early record lacks is one that is empty."""
    fields = [[result.inputs.get(name) or None for name in TEXTS] for result in (old, new)]
    return old.task == new.task and fields[0] == fields[1]


def matched(old: ExampleResult, new: ExampleResult) -> list[tuple[int, int]]:
    """Maps of the same method and target, those to show first; where there are none, one pair all the same.

    Where the runs share no method, the maps that each example shows large are matched by their targets.
    """
    one_method = bool({m.method for m in old.maps} & {m.method for m in new.maps})
    before = _keys(old, one_method)
    pairs = [(before[key], index) for key, index in _keys(new, one_method).items() if key in before]
    if not pairs:
        return [(_earliest(old), _earliest(new))] if old.maps and new.maps else []
    head = next(
        (pair for place, shown in ((1, new.headline), (0, old.headline)) for pair in pairs if pair[place] == shown),
        pairs[0],
    )
    return [head, *(pair for pair in pairs if pair != head)]


def is_same_target(old: ExampleResult, new: ExampleResult, pair: tuple[int, int]) -> bool:
    """Whether two maps explain the same number, of their own model each."""
    return _target(old, old.maps[pair[0]]) == _target(new, new.maps[pair[1]])


def _keys(result: ExampleResult, one_method: bool) -> dict[Hashable, int]:
    shown = range(len(result.maps)) if one_method else [group.primary for group in groups(result)]
    keys = numbered(
        (_target(result, result.maps[index]), result.maps[index].method if one_method else "") for index in shown
    )
    return dict(zip(keys, shown, strict=True))


def _earliest(result: ExampleResult) -> int:
    """The headline; of generated tokens the first one, before which both runs have the same text."""
    headline = result.maps[result.headline]
    if headline.target.position is None:
        return result.headline
    of_method = [index for index, map_ in enumerate(result.maps) if map_.method == headline.method]
    return min(of_method, key=lambda index: result.maps[index].target.position or 0)


def _target(result: ExampleResult, map_: Map) -> Hashable:
    """What names a target in any run: no index of a token or a label, which another model may count otherwise."""
    target, encoding = map_.target, result.encodings[map_.encoding]
    if target.position is None:
        return target.quantity, target.label.strip(), target.foil, target.of, tuple(_places(encoding, target.at))
    # What was generated: the text up to its end, and where it begins.
    shown = [(text.name, text.text) for text in View.of(encoding, target.position + 1).texts if text.name != "template"]
    first = target.position if target.first is None else target.first
    return target.quantity, target.foil, tuple(shown), tuple(_places(encoding, [first, target.position]))


def _places(encoding: Encoding, tokens: Iterable[int]) -> Iterator[tuple[str, int | None, int | None]]:
    for index in tokens:
        token = encoding.tokens[index]
        name = token.text if token.segment is None else encoding.segments[token.segment].name
        yield name, token.start, token.end
