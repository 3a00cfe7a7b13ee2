"""Texts that are longer than the model takes: F, its gradient and every method against a model that is run by hand."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import Tensor

from conftest import Explain
from explaining import count_parts, only, opened, refusal
from plain_model import Plain, map_of, plain
from records import measured
from saliency_report.engine import parts
from saliency_report.record import Encoding
from saliency_report.tasks.target import CONTEXT

WORDS = "The cat sat on the This movie was incredibly bad in capital of France is Paris London Rome hated".split()
# RoBERTa's tokens of a mere space have no offsets, so windows cannot be made from offsets by hand.
BY_HAND = ["bert", "gpt2-classifier", "llama-classifier"]
LIMIT = 64


def text(count: int, seed: int = 0) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=count))


def yaml(family: str, count: int, more: str = "long: windows") -> str:
    return f"- {{task: text-classification, model: {family}, text: {text(count)}, {more}}}"


def by_hand(model: Plain, encoding: Encoding) -> tuple[list[list[int]], list[tuple[int, int]]]:
    """The ids of each window, and of each token of the encoding its window and its position there.

    Made from the plain tokenizer and the code points that the record gives.
    """
    whole = encoding.segments[0].text
    output = model.tokenizer(whole, return_offsets_mapping=True, verbose=False)
    offsets = output["offset_mapping"]
    inner = [i for i, (start, end) in enumerate(offsets) if end > start]
    before, after = range(inner[0]), range(inner[-1] + 1, len(offsets))
    rows, places = [], []
    for number, window in enumerate(encoding.windows):
        # A byte-level offset may begin with the space before the word.
        read = [i for i in inner if window.start < offsets[i][1] <= window.end]
        positions = [*before, *read, *after]
        assert len(positions) == window.tokens == LIMIT
        rows.append([output["input_ids"][i] for i in positions])
        for place, i in enumerate(positions):
            own = window.scored_start < offsets[i][1] <= window.scored_end
            if i not in inner or own:
                places.append((number, place))
    return rows, places


def f(model: Plain, rows: list[list[int]], index: int, points: dict[int, Tensor] | None = None) -> float:
    """The mean of a logit over rows, some with points (t, d) in the place of their embeddings."""
    points = points or {}
    inputs = torch.tensor(rows)
    x = model.embed(inputs.flatten().tolist()).view(*inputs.shape, -1).clone()
    for row, point in points.items():
        x[row] = point
    embedding = model.model.get_input_embeddings()
    handle = embedding.register_forward_hook(lambda module, args, output: x)
    try:
        with torch.no_grad():
            logits = model.model(input_ids=inputs, attention_mask=torch.ones_like(inputs)).logits
    finally:
        handle.remove()
    return float(logits[:, index].mean())


@pytest.mark.parametrize("family", BY_HAND)
def test_f_is_the_mean_over_windows_and_each_word_has_its_slope_where_it_stands_most_centrally(
    explain: Explain, families: Path, family: str
) -> None:
    result = only(explain(yaml(family, 150), dtype="float64"))
    encoding, map_, model = result.encodings[0], result.maps[0], plain(family, families)
    rows, places = by_hand(model, encoding)
    assert len(rows) >= 3
    assert map_.target.score == pytest.approx(f(model, rows, map_.target.index), abs=1e-9)
    with torch.no_grad():
        inputs = torch.tensor(rows)
        logits = model.model(input_ids=inputs, attention_mask=torch.ones_like(inputs)).logits
    assert [w.logits for w in encoding.windows] == [pytest.approx(own.tolist(), abs=1e-9) for own in logits]
    assert result.prediction is not None
    mean = logits.mean(dim=0)
    assert [o.logit for o in result.prediction.outcomes] == pytest.approx(mean.tolist(), abs=1e-9)
    assert [o.probability for o in result.prediction.outcomes] == pytest.approx(mean.softmax(0).tolist(), abs=1e-9)
    assert map_.target.sentence.startswith(
        f"logit of {map_.target.label} from the mean logits of {len(rows)} windows, "
    )
    # Llama's norms are float32 whatever the weights are, so that small steps drown in rounding.
    step, within = (1e-3, 1e-2) if family == "llama-classifier" else (1e-5, 1e-5)
    count = len(encoding.tokens)
    for token in {0, 1, count // 4, count // 3, count // 2, count // 2 + 1, count - 2, count - 1}:
        row, place = places[token]
        x = model.embed(rows[row])
        slopes = []
        for j in range(x.shape[1]):
            moved = [x.clone(), x.clone()]
            moved[0][place, j] += step
            moved[1][place, j] -= step
            up, down = (f(model, rows, map_.target.index, {row: point}) for point in moved)
            slopes.append((up - down) / (2 * step))
        g = torch.tensor(slopes, dtype=torch.float64)
        expected = {"l2": g.norm(), "l1": g.abs().sum(), "sum": g.sum(), "gradient_x_input": (g * x[place]).sum()}
        for name, value in expected.items():
            assert measured(map_.scores[name])[token] == pytest.approx(float(value), rel=within, abs=within * 1e-2), (
                name
            )


@pytest.mark.parametrize("family", [*BY_HAND, "roberta"])
def test_every_word_has_a_score_from_the_window_in_which_it_stands_most_centrally(
    explain: Explain, family: str
) -> None:
    result = only(explain(yaml(family, 150)))
    encoding = result.encodings[0]
    whole = encoding.segments[0].text
    shown = [w for w in encoding.words if w.segment == 0 and whole[w.start : w.end].strip()]
    assert [whole[w.start : w.end] for w in shown] == whole.split()
    assert all(score is not None for score in result.maps[0].word_scores["l2"])
    windows = encoding.windows
    assert windows[0].scored_start == 0
    assert windows[-1].scored_end == len(whole)
    for before, after in pairwise(windows):
        assert before.scored_end <= after.scored_start <= before.scored_end + 1
        assert after.start < before.scored_end < before.end, "a border lies within what both windows read"
    for word in shown:
        assert word.start is not None
        assert word.end is not None
        reading = [w for w in windows if w.start <= word.start and word.end <= w.end]
        (own,) = [w for w in windows if w.scored_start <= word.start < w.scored_end]
        to_edge = {id(w): min(word.start - w.start, w.end - word.end) for w in reading}
        # Up to a word and the difference between letters and tokens: the windows are cut by tokens.
        inner = [w for w in reading if w.start > 0 and w.end < len(whole)]
        assert own in reading
        if own in inner:
            assert to_edge[id(own)] >= max(to_edge[id(w)] for w in inner) - 40


def test_a_text_in_a_batch_has_the_numbers_that_it_has_alone(explain: Explain) -> None:
    parts = [yaml("bert", count) for count in (150, 20, 90, 150)]
    together = explain("\n".join(parts), dtype="float64", budget=4096).examples
    for part, found in zip(parts, together, strict=True):
        alone = only(explain(part, dtype="float64"))
        assert found.encodings == alone.encodings or found.encodings[0].tokens == alone.encodings[0].tokens
        assert measured(found.maps[0].scores["l2"]) == pytest.approx(measured(alone.maps[0].scores["l2"]), rel=1e-9)


def test_other_methods_and_the_evidence_are_about_the_same_number(explain: Explain, families: Path) -> None:
    more = "long: windows, methods: all, faithfulness: true, orders: 10, beam: 0, flips: 2, layers: true"
    result = only(explain(yaml("bert", 100, more), dtype="float64"))
    assert result.warnings == []
    encoding, model = result.encodings[0], plain("bert", families)
    rows, places = by_hand(model, encoding)
    target = result.maps[0].target
    index = target.index
    integral = map_of(result, "integrated_gradients")
    sums = integral.completeness
    assert sums is not None
    mask = model.tokenizer.mask_token_id
    # The baseline: every word masked where it stands most centrally, its copy elsewhere as it is.
    masked = [list(row) for row in rows]
    for token, (row, place) in enumerate(places):
        if token not in sums.kept:
            masked[row][place] = mask
    assert sums.baseline_score == pytest.approx(f(model, masked, index), abs=1e-9)
    assert sums.score == pytest.approx(target.score, abs=1e-9)
    total = sum(score for score in integral.scores["attribution"] if score is not None)
    assert total == pytest.approx(target.score - sums.baseline_score, rel=1e-2)
    drops = map_of(result, "occlusion").word_scores["drop"]
    for number, word in enumerate(encoding.words):
        if number % 17 == 5 and not word.special:
            without = [list(row) for row in rows]
            for token in word.tokens:
                row, place = places[token]
                without[row][place] = mask
            assert drops[number] == pytest.approx(target.score - f(model, without, index), abs=1e-8)
    assert result.evidence is not None
    assert result.evidence.faithfulness is not None
    assert result.evidence.layers is not None
    direction = result.evidence.direction
    assert direction is not None
    for flip in direction.flips:
        flipped = [list(row) for row in rows]
        row, place = places[flip.position]
        flipped[row][place] = flip.new_id
        assert flip.actual == pytest.approx(f(model, flipped, index) - target.score, abs=1e-8)
        with torch.no_grad():
            inputs = torch.tensor(flipped)
            logits = model.model(input_ids=inputs, attention_mask=torch.ones_like(inputs)).logits.mean(dim=0)
        assert flip.answer == model.model.config.id2label[int(logits.argmax())]


@pytest.mark.parametrize("quantity", ["probability", "log_prob", "logit"])
def test_f_of_other_quantities_is_of_the_mean_logits(families: Path, quantity: str) -> None:
    foil = ", foil: runner-up" if quantity != "log_prob" else ""
    found = opened(yaml("bert", 100, f"long: windows, quantity: {quantity}{foil}"), families)
    logits = torch.tensor([w.logits for w in found.result.encodings[0].windows], dtype=torch.float64).mean(dim=0)
    numbers = {"logit": logits, "probability": logits.softmax(0), "log_prob": logits.log_softmax(0)}[quantity]
    target = found.headline.target
    expected = numbers[target.index] - (0 if target.foil_index is None else numbers[target.foil_index])
    assert target.score == pytest.approx(float(expected), abs=1e-9)
    held = [token for place in found.function.places for token in place if token != CONTEXT]
    assert held == list(range(len(found.result.encodings[0].tokens))), "each token once"


def test_a_text_that_fits_is_read_as_it_is(explain: Explain) -> None:
    plainly, windowed = (only(explain(yaml("bert", 20, f"long: {long}"))) for long in ("refuse", "windows"))
    assert plainly.maps == windowed.maps
    assert windowed.encodings[0].windows == []


@pytest.mark.parametrize(("family", "room"), [("bert", 62), ("roberta", 62), ("gpt2-classifier", 64)])
def test_a_text_is_cut_as_its_tokenizer_cuts_and_the_page_is_told(
    explain: Explain, families: Path, family: str, room: int
) -> None:
    result = only(explain(yaml(family, 150, "long: truncate"), dtype="float64"))
    encoding, model = result.encodings[0], plain(family, families)
    cut = model.tokenizer(text(150), truncation=True, max_length=LIMIT).input_ids
    assert [token.id for token in encoding.tokens] == cut
    assert result.maps[0].target.score == pytest.approx(float(model.logits(cut, result)[result.maps[0].target.index]))
    (warning,) = result.warnings
    last = max(token.end or 0 for token in encoding.tokens)
    words = text(150).split()
    read = len(text(150)[:last].split()) if text(150)[last] == " " else len(text(150)[:last].split()) - 1
    length = len(model.tokenizer(text(150), verbose=False).input_ids)
    assert warning == (
        f"Cut: the text is {length} tokens long, the model takes 64. It read the first {room} tokens of the text; "
        f"{len(words) - read} of 150 words and marks it did not read, or not in full. They are struck through, and "
        "nothing here is about them."
    )


def test_a_long_text_is_refused_with_both_ways_out(explain: Explain) -> None:
    failure = explain(yaml("bert", 150, "long: refuse")).examples[0].failure
    assert failure is not None
    assert failure.message.endswith(" tokens long, the model takes 64.")
    assert failure.next_step == (
        "Write `long: windows` to read it in overlapping parts, or `long: truncate` to leave out what is too long; or "
        "use a model with a longer context."
    )


def test_windows_in_parts_have_the_numbers_of_all_at_once(explain: Explain, monkeypatch: pytest.MonkeyPatch) -> None:
    """The chain rule, for a number that mixes all logits; the gradient and integrated gradients."""
    asked = yaml("bert", 90, "long: windows, quantity: probability, methods: integrated_gradients")
    whole = only(explain(asked, dtype="float64"))
    monkeypatch.setattr(parts, "AT_ONCE", 100)
    passes = count_parts(monkeypatch)
    parted = only(explain(asked, dtype="float64", budget=64))
    assert len(passes) > 2
    assert [w.logits for w in parted.encodings[0].windows] == [
        pytest.approx(w.logits, abs=1e-12) for w in whole.encodings[0].windows
    ]
    for one, other in zip(parted.maps, whole.maps, strict=True):
        assert one.target.score == pytest.approx(other.target.score, abs=1e-12)
        for name, values in one.scores.items():
            known = [score for score in other.scores[name] if score is not None]  # the baseline keeps special tokens
            assert [v for v in values if v is not None] == pytest.approx(known, rel=1e-6, abs=1e-12), name


@pytest.mark.parametrize("family", ["bert", "roberta"])
@pytest.mark.parametrize(("first", "second"), [(150, 8), (8, 150), (100, 90)])
def test_of_two_texts_the_longer_is_cut_as_the_tokenizer_cuts(
    explain: Explain, families: Path, family: str, first: int, second: int
) -> None:
    texts = [text(first), text(second, 1)]
    asked = f"- {{task: text-classification, model: {family}, text: {texts[0]}, text_pair: {texts[1]}"
    result = only(explain(f"{asked}, long: truncate}}", dtype="float64"))
    encoding, model = result.encodings[0], plain(family, families)
    cut = model.tokenizer(*texts, truncation=True, max_length=LIMIT, return_tensors="pt")
    assert [token.id for token in encoding.tokens] == cut.input_ids[0].tolist()
    with torch.no_grad():
        logits = model.model(**cut).logits[0]
    target = result.maps[0].target
    assert target.score == pytest.approx(float(logits[target.index]), abs=1e-9)
    length = len(model.tokenizer(*texts, verbose=False).input_ids)
    said = []
    for number, (whole, name) in enumerate(zip(texts, ("first", "second"), strict=True)):
        count = cut.sequence_ids(0).count(number)  # RoBERTa's tokens of a mere space, which have no offsets, counted
        last = max(token.end or 0 for token in encoding.tokens if token.segment == number)
        if last < len(whole):
            read = sum(len(" ".join(whole.split()[: i + 1])) <= last for i in range(len(whole.split())))
            said.append(
                f"Cut: the two texts are {length} tokens long, the model takes 64. It read the first {count} tokens of "
                f"the {name} text; {len(whole.split()) - read} of {len(whole.split())} words and marks it did not "
                "read, or not in full. They are struck through, and nothing here is about them."
            )
    assert result.warnings == said
    assert len(said) == 1 + (second == 90)
    failure = explain(f"{asked}}}").examples[0].failure
    assert failure is not None
    assert failure.message == f"The text is {length} tokens long, the model takes 64."
    assert failure.next_step == (
        "Write `long: truncate` to cut the longer of the two texts, or use a model with a longer context."
    )


def test_two_texts_are_not_read_in_windows() -> None:
    assert refusal("- {task: text-classification, text: a, text_pair: b, model: m, long: windows}") == (
        "in.yaml:1:70: [0].long: windows and text_pair do not go together; only a single text can be read in windows: "
        "write long: truncate, which cuts the longer of the two, or leave long out"
    )
