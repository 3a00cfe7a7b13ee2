"""Fill-mask: the likeliest tokens in the place of a mask, a map each, or a named one, or the difference of two."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor

import tiny
from at_tokens import Number, Plain, check, check_evidence, check_methods, plain
from conftest import Explain
from explaining import check_alike, check_functions, only, opened, refusal
from saliency_report import engine
from saliency_report.page.view import OUTCOMES_SHOWN
from saliency_report.precision import check_precision
from saliency_report.record import Target
from saliency_report.spec import parse_spec
from saliency_report.tasks.fill_mask import LISTED
from saliency_report.tasks.generated import word_label

if TYPE_CHECKING:
    from browsing import Open

pytest_plugins = ["browsing"]

MASKS = {"bert-mask": "[MASK]", "roberta-mask": "<mask>"}
TEXT = "The cat sat on the %s, bathed."


def written(family: str, more: str = "", text: str = TEXT) -> str:
    return f"- {{task: fill-mask, model: {family}, text: '{text % MASKS[family]}'{more}}}"


def number(quantity: str, target: Target) -> Number:
    """The explained number of logits (n, t, v) by its definition."""
    (place,) = target.at

    def f(logits: Tensor) -> Tensor:
        at_mask = logits[:, place]
        values = {
            "logit": at_mask,
            "log_prob": at_mask - at_mask.exp().sum(dim=-1, keepdim=True).log(),
            "probability": at_mask.exp() / at_mask.exp().sum(dim=-1, keepdim=True),
        }[quantity]
        own = values[:, target.index]
        return own if target.foil_index is None else own - values[:, target.foil_index]

    return f


@pytest.mark.parametrize("family", tiny.MASKED)
@pytest.mark.parametrize(
    ("more", "quantity", "count"),
    [
        ("", "logit", 3),
        (", top_k: 2, quantity: log_prob", "log_prob", 2),
        (", target: cat, quantity: probability", "probability", 1),
        (", foil: runner-up", "logit", 1),
        (", target: 7, foil: cat, quantity: probability", "probability", 1),
    ],
)
def test_every_map_is_central_differences_of_the_logits_at_the_mask(
    family: str, more: str, quantity: str, count: int, explain: Explain, families: Path
) -> None:
    result = only(explain(written(family, more), dtype="float64"))
    model = plain(families / family, "fill-mask")
    text = TEXT % MASKS[family]
    assert len(result.maps) == count
    for place, map_ in enumerate(result.maps):
        assert [model.inputs([text])["input_ids"][0, i] for i in map_.target.at] == [model.tokenizer.mask_token_id]
        check(result, place, model, [text], number(quantity, map_.target))


def likeliest(model: Plain, text: str) -> list[int]:
    place = model.inputs([text])["input_ids"][0].tolist().index(model.tokenizer.mask_token_id)
    order: list[int] = model.logits([text])[0, place].argsort(descending=True).tolist()
    return order


@pytest.mark.parametrize("family", tiny.MASKED)
def test_the_likeliest_tokens_have_a_map_each_and_eight_their_probabilities(
    family: str, explain: Explain, families: Path
) -> None:
    result = only(explain(written(family), dtype="float64"))
    model, text = plain(families / family, "fill-mask"), TEXT % MASKS[family]
    order = likeliest(model, text)
    assert [map_.target.index for map_ in result.maps] == order[:3]
    assert result.prediction is not None
    assert result.prediction.predicted == result.headline == 0
    assert [outcome.index for outcome in result.prediction.outcomes] == order[:LISTED]
    (place,) = result.maps[0].target.at
    probabilities = model.logits([text])[0, place].softmax(dim=-1)[order[:LISTED]].tolist()
    assert [outcome.probability for outcome in result.prediction.outcomes] == pytest.approx(probabilities, rel=1e-9)
    label, mask = word_label(model.tokenizer, order[1]), MASKS[family]
    assert result.maps[0].target.sentence.endswith(
        f"in the place of {mask}, the model's first candidate, p = {probabilities[0]:.3f}"
    )
    assert result.maps[1].target.sentence == (
        f"logit of “{label}” in the place of {mask}, number 2 among the model's candidates, p = {probabilities[1]:.3f}"
    )


@pytest.mark.parametrize("family", tiny.MASKED)
def test_a_batch_of_several_lengths_equals_each_alone(family: str, explain: Explain) -> None:
    texts = ["The %s.", "The cat sat on the %s and was bathed in the bad movie.", "The cat %s the cat."]
    more = ["", ", top_k: 1", ", foil: runner-up"]
    examples = [written(family, m, t) for m, t in zip(more, texts, strict=True)]
    together = explain("\n".join(examples), dtype="float64").examples
    for text, one in zip(examples, together, strict=True):
        alone = only(explain(text, dtype="float64", budget=1))
        assert [map_.target.index for map_ in one.maps] == [map_.target.index for map_ in alone.maps]
        for ours, theirs in zip(one.maps, alone.maps, strict=True):
            check_alike(ours, theirs, rel=1e-8)


@pytest.mark.parametrize("more", ["", ", foil: runner-up, quantity: probability", ", target: cat, quantity: log_prob"])
def test_methods_and_evidence_are_of_the_same_number(more: str, explain: Explain, families: Path) -> None:
    asked = f"{more}, methods: all, faithfulness: true, flips: 2, layers: true, randomisation: all"
    result = only(explain(written("bert-mask", asked), dtype="float64"))
    assert result.warnings == []
    model, text = plain(families / "bert-mask", "fill-mask"), TEXT % "[MASK]"
    count = len({map_.title for map_ in result.maps})
    assert len(result.maps) == 8 * count
    for place in range(count):
        target = result.maps[place].target
        quantity = target.quantity.removesuffix(" difference")
        check_methods(result, place, model, [text], number(quantity, target))
    target = result.maps[0].target
    direction = check_evidence(result, model, [text], number(quantity, target), rel=1e-7)
    assert direction.answer == result.prediction.outcomes[0].label if result.prediction else False
    for flip in direction.flips:
        logits = model.logits([text], edits={flip.position: flip.new_id})
        assert flip.answer == word_label(model.tokenizer, int(logits[0, target.at[0]].argmax()))


def test_functions_give_the_explained_numbers_again_also_where_words_are_cut_out(families: Path) -> None:
    open_ = opened(written("bert-mask", ", top_k: 2"), families)
    check_functions(open_)
    cut = [engine.Job(function, edits={2: None, 5: None}) for function in open_.functions]
    values, _ = engine.evaluate(open_.loaded, cut, gradient=False)
    model = plain(families / "bert-mask", "fill-mask")
    logits = model.logits(["The sat on [MASK], bathed."])[0]
    assert values.tolist() == pytest.approx([float(logits[4, m.target.index]) for m in open_.result.maps], rel=1e-9)


def test_a_word_is_the_token_that_the_text_has_with_it_in_the_place_of_the_mask(explain: Explain) -> None:
    def index(family: str, target: str, text: str = TEXT) -> int:
        return only(explain(written(family, f", target: '{target}'", text))).maps[0].target.index

    bytes_, pieces = tiny.byte_level(roberta=True, mask=True), tiny.wordpiece()
    assert index("roberta-mask", "cat") == bytes_.convert_tokens_to_ids("Ġcat")
    assert index("roberta-mask", " cat") == bytes_.convert_tokens_to_ids("Ġcat")
    assert index("roberta-mask", "it", "%s was bad") == bytes_.convert_tokens_to_ids("it")
    assert index("bert-mask", "cat") == pieces.convert_tokens_to_ids("cat")
    assert index("bert-mask", "##hed") == pieces.convert_tokens_to_ids("##hed")
    assert index("bert-mask", "!") == pieces.convert_tokens_to_ids("!")
    assert only(explain(written("bert-mask", ", target: '##hed'"))).maps[0].title == "…hed"


@pytest.mark.parametrize(
    ("family", "text", "more", "message", "next_step"),
    [
        (
            "bert-mask",
            "The cat.",
            "",
            "text: it has no [MASK], the token that this model fills in.",
            "Write [MASK] once, where the word is missing.",
        ),
        (
            "roberta-mask",
            "The <mask> sat on the <mask>.",
            "",
            "text: it has <mask> 2 times, the token that this model fills in.",
            "Write <mask> once, where the word is missing, and other words in the place of the rest.",
        ),
        (
            "bert-mask",
            "The [MASK].",
            "target: bathed",
            "target: 'bathed' is 4 tokens for this model (b ##a ##t ##hed), and a mask stands for one.",
            "Write a word that is one token, or the first of these.",
        ),
        (
            "bert-mask",
            "The [MASK].",
            "target: 😀",
            "target: the tokenizer does not know '😀'.",
            "Write a word of its vocabulary.",
        ),
        (
            "bert-mask",
            "The [MASK].",
            "foil: 9999",
            "foil: the model has no token 9999; its ids are 0 to 339.",
            "Write such an id, or a word in quotes.",
        ),
        (
            "roberta-mask",
            "The <mask>.",
            "target: cat, foil: ' cat'",
            "foil: ' cat' is the same token as the target; their difference is always 0.",
            "Write `foil: runner-up`, or another word.",
        ),
        (
            "roberta",
            "The <mask>.",
            "allow_random_head: true",
            "The tokenizer has no mask token, so there is nothing to fill in.",
            "Give a masked language model, such as one of the BERT or RoBERTa families.",
        ),
    ],
)
def test_what_cannot_be_filled_in_is_refused(
    family: str, text: str, more: str, message: str, next_step: str, explain: Explain
) -> None:
    report = explain(f"- {{task: fill-mask, model: {family}, text: '{text}', {more}}}", debug=False)
    failure = report.examples[0].failure
    assert failure is not None
    assert (failure.message, failure.next_step) == (message, next_step)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            "text: a\n  model: m\n  quantity: loss",
            "in.yaml:4:13: [0].quantity: loss is that of a right answer, which fill-mask is not told; write log_prob, "
            "its negative",
        ),
        (
            "text: a\n  model: m\n  target: cat\n  top_k: 2",
            "in.yaml:5:3: [0].top_k: has no effect beside target, which has the only map; leave one out",
        ),
        (
            "text: a\n  model: m\n  target: cat\n  foil: cat",
            "in.yaml:5:9: [0].foil: is the target itself; their difference is always 0",
        ),
        ("text: a\n  model: m\n  top_k: 0", "in.yaml:4:10: [0].top_k: must be a whole number from 1 to 20, not 0"),
    ],
)
def test_a_wrong_field_is_named_at_its_place(fields: str, message: str) -> None:
    assert refusal(f"- task: fill-mask\n  {fields}") == message


def test_the_page_shows_the_candidates_side_by_side(visit: Open, explain: Explain) -> None:
    page = visit(explain(written("bert-mask", ", methods: occlusion")))
    result = only(explain(written("bert-mask")))
    titles = page.page.locator("#example-1 .maps .map-title").all_text_contents()
    assert titles == [map_.title for map_ in result.maps]
    assert page.page.locator("#example-1 .maps .map").first.locator(".chosen").text_content() == "chosen"
    assert page.count("#example-1 .maps .chosen") == 1
    for text in page.page.locator("#example-1 .maps .text").all():
        assert text.locator(".g").all_text_contents() == ["[MASK]"]
    assert page.page.locator("#example-1 .outcomes h4").text_content() == "Likeliest tokens in the place of the mask"
    page.page.locator("#example-1 .maps .pick").nth(1).click()
    assert page.page.locator("#example-1 .target .sentence").text_content() == result.maps[1].target.sentence


def test_half_precision_is_compared_for_the_same_token(explain: Explain, families: Path) -> None:
    text = written("bert-mask", ", dtype: bfloat16")
    report = check_precision(explain(text), parse_spec(text, "in.yaml", "in.yaml", families), torch.device("cpu"), 1)
    precision = report.models[0].precision
    assert precision is not None
    assert precision.examples == 1
    assert precision.difference is not None
    assert 0 < precision.difference < 0.1


def test_a_target_and_a_foil_stand_before_the_fold(explain: Explain) -> None:
    """The page shows ten outcomes, and both were folded away behind the ten likeliest."""
    outcomes = only(explain(written("bert-mask", ", target: 7, foil: cat"))).prediction
    assert outcomes is not None
    assert len(outcomes.outcomes) == OUTCOMES_SHOWN
    assert {7} < {outcome.index for outcome in outcomes.outcomes[LISTED:]}
