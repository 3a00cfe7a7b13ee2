"""Long texts whose words have answers of their own: labels, F and every method against windows that are run by hand."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
import transformers
from torch import Tensor

from at_tokens import STEP, Plain, plain
from by_windows import LIMIT, places, run, text
from conftest import Explain
from explaining import check_alike, check_functions, count_parts, only, opened
from plain_model import map_of
from saliency_report.engine import parts
from saliency_report.record import ExampleResult, Map
from saliency_report.tasks.entities import entities

if TYPE_CHECKING:
    from browsing import Open

pytest_plugins = ["browsing"]


def yaml(count: int = 110, more: str = "", family: str = "bert-tokens", long: str = "windows", seed: int = 0) -> str:
    return f"- {{task: token-classification, model: {family}, text: {text(count, seed)}, long: {long}{more}}}"


class ByHand:
    """A result with its model: what each window answers, and F of a map with other ids or points."""

    def __init__(self, result: ExampleResult, model: Plain) -> None:
        self.encoding, self.model = result.encodings[0], model
        self.places = places(self.encoding)
        self.ids = [[self.encoding.tokens[i].id for i in place] for place in self.places]
        self.logits = [run(model, ids) for ids in self.ids]

    def row(self, map_: Map) -> int:
        assert map_.target.window is not None
        return map_.target.window

    def firsts(self, map_: Map) -> list[int]:
        place = self.places[self.row(map_)]
        return [place.index(w.tokens[0]) for w in self.encoding.words if w.tokens[0] in map_.target.at]

    def number(self, map_: Map, logits: Tensor, quantity: str = "logit") -> Tensor:
        values = logits if quantity == "logit" else logits.log_softmax(dim=-1)
        chosen = zip(self.firsts(map_), map_.target.indices, strict=True)
        total = torch.stack([values[..., place, label] for place, label in chosen]).sum(dim=0)
        return total.exp() if quantity == "probability" else total

    def edited(self, map_: Map, edits: dict[int, int]) -> float:
        row = self.row(map_)
        ids = [edits.get(token, id) for token, id in zip(self.places[row], self.ids[row], strict=True)]
        return float(self.number(map_, run(self.model, ids)))


@pytest.fixture(scope="module")
def tokens(families: Path) -> Plain:
    return plain(families / "bert-tokens", "token-classification")


def gradients_of(result: ExampleResult) -> list[Map]:
    return [map_ for map_ in result.maps if map_.method == "gradient"]


def test_each_word_has_its_label_from_the_window_in_which_it_stands_most_centrally(
    explain: Explain, tokens: Plain
) -> None:
    result = only(explain(yaml(), dtype="float64"))
    hand, encoding = ByHand(result, tokens), result.encodings[0]
    assert len(encoding.windows) >= 3
    words = [i for i, word in enumerate(encoding.words) if not word.special]
    labels, differing = [], 0
    for i in words:
        word = encoding.words[i]
        (row,) = [k for k, w in enumerate(encoding.windows) if w.scored_start <= (word.start or 0) < w.scored_end]
        held = [k for k, place in enumerate(hand.places) if word.tokens[0] in place]
        found = {k: int(hand.logits[k][hand.places[k].index(word.tokens[0])].argmax()) for k in held}
        differing += len(set(found.values())) > 1
        labels.append(found[row])
    assert differing, "this test is about windows that do not agree"
    names = [tokens.model.config.id2label[i] for i in range(5)]
    expected = entities(words, labels, names)
    assert result.prediction is not None
    whole = encoding.segments[0].text
    spans = [(encoding.words[e.words[0]].start, encoding.words[e.words[-1]].end, e.kind) for e in expected]
    assert result.prediction.text == ", ".join(f"{whole[start:end]} {kind}" for start, end, kind in spans)
    assert [label for map_ in gradients_of(result) for label in map_.target.indices] == [
        label for entity in expected for label in entity.labels
    ]


@pytest.mark.parametrize("quantity", ["logit", "probability"])
def test_f_is_of_one_window_and_what_stands_outside_it_has_no_number(
    explain: Explain, tokens: Plain, quantity: str
) -> None:
    result = only(explain(yaml(70, f", quantity: {quantity}"), dtype="float64"))
    hand, encoding = ByHand(result, tokens), result.encodings[0]
    maps = gradients_of(result)
    assert {hand.row(map_) for map_ in maps} == {*range(len(encoding.windows))}
    chosen = [next(map_ for map_ in maps if hand.row(map_) == row) for row in range(len(encoding.windows))]
    chosen.append(max(maps, key=lambda map_: len(map_.target.indices)))
    assert len(chosen[-1].target.indices) > 1
    for map_ in maps:
        row, at = hand.row(map_), map_.target.at
        held = hand.places[row]
        assert set(at) <= set(held)
        assert map_.target.score == pytest.approx(float(hand.number(map_, hand.logits[row], quantity)), abs=1e-9)
        known = [i for i, score in enumerate(map_.scores["l2"]) if score is not None]
        assert known == held
        scored = [i for i, score in enumerate(map_.word_scores["l2"]) if score is not None]
        assert scored == [i for i, word in enumerate(encoding.words) if set(word.tokens) & set(held)]
        # Most centrally of the windows that hold it: no other has more tokens on the side that has fewer.
        rooms = {
            k: min(
                sys.maxsize if k == 0 else place.index(at[0]),
                sys.maxsize if k == len(hand.places) - 1 else len(place) - 1 - place.index(at[-1]),
            )
            for k, place in enumerate(hand.places)
            if at[0] in place and at[-1] in place
        }
        # A border between windows goes to the nearest word, an eighth of a window away at most.
        assert rooms[row] >= max(rooms.values()) - LIMIT // 4
    for map_ in chosen:
        row = hand.row(map_)
        with torch.no_grad():
            x = tokens.model.get_input_embeddings()(torch.tensor(hand.ids[row]))
        steps = STEP * torch.eye(x.numel(), dtype=x.dtype).reshape(-1, *x.shape)
        values = hand.number(map_, run(tokens, hand.ids[row], torch.cat([x + steps, x - steps])), quantity)
        g = ((values[: x.numel()] - values[x.numel() :]) / (2 * STEP)).reshape(x.shape)
        expected = {"l2": g.norm(dim=1), "l1": g.abs().sum(dim=1), "gradient_x_input": (g * x).sum(dim=1)}
        for name, numbers in expected.items():
            there = [score for score in map_.scores[name] if score is not None]
            assert there == pytest.approx(numbers.tolist(), rel=1e-5, abs=1e-8), name


def test_what_is_said_of_an_entity_in_a_window(explain: Explain, tokens: Plain) -> None:
    result = only(explain(yaml(more=", target: London"), dtype="float64"))
    (map_,) = result.maps
    hand, row = ByHand(result, tokens), map_.target.window
    assert row is not None
    p = float(hand.number(map_, hand.logits[row], "probability"))
    label = tokens.model.config.id2label[map_.target.index]
    assert map_.target.sentence == (
        f"logit of {label} at “London”, in window {row + 1} of {len(hand.places)}, the label that the model predicts "
        f"there, p = {p:.3f}"
    )


def test_methods_and_evidence_are_about_the_window_alone(explain: Explain, tokens: Plain) -> None:
    methods = "integrated_gradients, smoothgrad, occlusion, attention_rollout"
    asked = f", target: London, methods: [{methods}], samples: 4, faithfulness: true, orders: 10, beam: 0, flips: 2"
    result = only(explain(yaml(70, f"{asked}, layers: true, randomisation: all"), dtype="float64"))
    assert result.warnings == [
        f"target: 'London' occurs {text(70).count('London')} times; the first is explained.",
    ]
    hand, map_ = ByHand(result, tokens), result.maps[0]
    held, mask = hand.places[hand.row(map_)], tokens.tokenizer.mask_token_id
    outside = {*range(len(result.encodings[0].tokens))}.difference(held)
    assert outside
    assert len(result.maps) == 5
    for made in result.maps:
        assert made.warnings == []
        for scores in made.scores.values():
            assert {scores[i] for i in outside} == {None}, made.method
            assert any(scores[i] is not None for i in held)
    integral = map_of(result, "integrated_gradients")
    sums = integral.completeness
    assert sums is not None
    assert set(sums.kept) <= set(held)
    masked = {token: mask for token in held if token not in sums.kept}
    assert sums.baseline_score == pytest.approx(hand.edited(map_, masked), abs=1e-9)
    total = sum(score for score in integral.scores["attribution"] if score is not None)
    assert total == pytest.approx(map_.target.score - sums.baseline_score, rel=1e-2)
    noise = map_of(result, "smoothgrad").noise
    assert noise is not None
    with torch.no_grad():
        x = tokens.model.get_input_embeddings()(torch.tensor(hand.ids[hand.row(map_)]))
    for errors in noise.standard_errors.values():
        assert {i for i, error in enumerate(errors) if error is None} == outside
    assert noise.sigma == pytest.approx(noise.noise * float(x.max() - x.min())), "of the window's own embeddings"
    drops = map_of(result, "occlusion").word_scores["drop"]
    for number, word in enumerate(result.encodings[0].words):
        within = [token for token in word.tokens if token in held]
        assert (drops[number] is None) == (word.special or not within)
        if within and not word.special and number % 5 == 0:
            without = hand.edited(map_, dict.fromkeys(within, mask))
            assert drops[number] == pytest.approx(map_.target.score - without, abs=1e-8)
    evidence = result.evidence
    assert evidence is not None
    assert evidence.faithfulness is not None
    assert evidence.randomisation is not None
    assert evidence.direction is not None
    assert evidence.layers is not None
    everything = dict.fromkeys((i for i in held if not result.encodings[0].tokens[i].special), mask)
    assert evidence.faithfulness.empty_score == pytest.approx(hand.edited(map_, everything), abs=1e-9)
    for flip in evidence.direction.flips:
        assert flip.position in held
        after = hand.edited(map_, {flip.position: flip.new_id})
        assert flip.actual == pytest.approx(after - map_.target.score, abs=1e-8)
    for row in (*evidence.layers.gradient_norm, *evidence.layers.gradient_x_activation, evidence.direction.cosine):
        assert [i for i, value in enumerate(row) if value is None] == sorted(outside)


@pytest.mark.parametrize("family", ["bert-tokens", "roberta-tokens"])
def test_functions_give_the_explained_numbers_again(families: Path, family: str) -> None:
    for more in ("", ", quantity: log_prob", ", target: London, foil: PER"):
        check_functions(opened(yaml(40 if family == "roberta-tokens" else 66, more, family), families))


def test_a_batch_of_long_and_short_texts_equals_each_alone(explain: Explain) -> None:
    examples = [yaml(count, seed=seed) for seed, count in enumerate((80, 12, 66))]
    together = explain("\n".join(examples), dtype="float64", budget=4096).examples
    for example, one in zip(examples, together, strict=True):
        alone = only(explain(example, dtype="float64", budget=1))
        assert [map_.title for map_ in one.maps] == [map_.title for map_ in alone.maps]
        for left, right in zip(one.maps, alone.maps, strict=True):
            check_alike(left, right, rel=1e-7, whole=False)
    assert only(explain(yaml(12, long="refuse", seed=1))).maps == only(explain(yaml(12, seed=1))).maps


def test_windows_in_parts_have_the_numbers_of_all_at_once(explain: Explain, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = yaml(60, ", quantity: probability")
    whole = only(explain(asked, dtype="float64"))
    monkeypatch.setattr(parts, "AT_ONCE", 100)
    passes = count_parts(monkeypatch)
    parted = only(explain(asked, dtype="float64", budget=64))
    assert passes
    assert [map_.title for map_ in parted.maps] == [map_.title for map_ in whole.maps]
    for one, other in zip(parted.maps, whole.maps, strict=True):
        check_alike(one, other, rel=1e-6, whole=False)


def test_on_the_page_windows_are_marked_and_what_an_entity_was_not_read_with_is_said(
    explain: Explain, visit: Open
) -> None:
    report = explain("\n".join([yaml(60), yaml(60, long="truncate")]))
    result = report.examples[0]
    encoding, count = result.encodings[0], len(result.maps)
    page = visit(report)
    card = page.page.locator("#example-1")
    windows = encoding.windows
    assert len(windows) == 2
    assert card.locator(".maps .window").all_inner_texts() == ["window 1", "window 2"]
    assert card.locator(".windows .hint").inner_text() == (
        "The text is longer than the model takes, so it was read in 2 windows of 64 tokens, which overlap. Each "
        "word has its label from the window in which it stands most centrally, where it has the most text on both "
        "sides; the marks in the text say where the next one begins. An entity is explained from one window alone, "
        "the one that holds it whole and most centrally. What stands outside of that window was not read together "
        "with it and has no number there."
    )

    def check(map_: Map) -> None:
        assert map_.target.window is not None
        window = windows[map_.target.window]
        read = text(60)[window.start : window.end].strip()
        (said,) = card.locator(".maps .facts p").all_inner_texts()
        assert said == (
            f"Read in window {map_.target.window + 1} of 2, from “{read[:29].rstrip()}…” to “…{read[-29:].lstrip()}”. "
            "The words outside it stand in grey: they were not read together with what is explained here and have no "
            "number, which is not the same as 0."
        )
        words = [i for i, word in enumerate(encoding.words) if not word.special]
        titles = [card.locator(".maps .w:not(.special)").nth(i).get_attribute("title") for i in range(len(words))]
        scores = [map_.word_scores["l2"][i] for i in words]
        assert [title is None for title in titles] == [score is None for score in scores]
        assert None in scores
        grey = card.locator(".maps .outside:not(.special)").count()
        assert grey == sum(score is None for score in scores)

    check(result.maps[0])
    card.locator(".maps .g").last.click()
    assert card.locator(".which").inner_text().endswith(f", {count} of {count}")
    check(result.maps[-1])
    assert {result.maps[i].target.window for i in (0, -1)} == {0, 1}
    cut = report.examples[1]
    last = max(token.end or 0 for token in cut.encodings[0].tokens)
    assert page.page.locator("#example-2 .text s").all_inner_texts() == [text(60)[last:].strip()]
    (warning,) = cut.warnings
    assert warning.startswith("Cut: the text is ")
    assert page.page.locator("#example-2 .windows").count() == 0


def test_an_entity_longer_than_what_windows_share_is_explained_in_parts(
    explain: Explain, families: Path, tmp_path: Path
) -> None:
    shutil.copytree(families / "bert-tokens", tmp_path / "sure")
    model: Any = transformers.AutoModelForTokenClassification.from_pretrained(tmp_path / "sure")
    with torch.no_grad():
        model.classifier.bias[4] += 100  # I-LOC, everywhere
    model.save_pretrained(tmp_path / "sure")
    result = only(explain(yaml(50, family="sure"), dtype="float64", folder=tmp_path))
    encoding = result.encodings[0]
    count = len(encoding.windows)
    assert count > 1
    assert result.warnings == [
        f"“{text(50)[:59]}…” is longer than what two windows share: it is explained in {count} parts, each from the "
        "window in which it stands most centrally."
    ]
    assert [map_.target.window for map_ in result.maps] == [*range(count)]
    at = [token for map_ in result.maps for token in map_.target.at]
    assert at == [token for word in encoding.words if not word.special for token in word.tokens]
    failure = explain(yaml(50, f", target: {text(50)}"), debug=False).examples[0].failure
    assert failure is not None
    assert failure.message == f"target: no window holds all of {text(50)!r}."
    assert failure.next_step == "Copy fewer words of the text, or use a model with a longer context."
