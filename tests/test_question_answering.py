"""Question-answering: start and end of the answer that a model marks in a context, or of one that is named."""

from __future__ import annotations

import shutil
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
import transformers
from torch import Tensor

import tiny
from at_tokens import Number, Plain, check, check_evidence, check_methods, plain
from conftest import Explain
from explaining import check_alike, check_functions, only, opened, refusal
from saliency_report.record import Encoding, ExampleResult, Target
from saliency_report.tasks.answers import LONGEST

if TYPE_CHECKING:
    from browsing import Open

pytest_plugins = ["browsing"]

QUESTION = "What is the capital of France?"
CONTEXT = "The capital of France is Paris. London was bad."
TEXTS = [QUESTION, CONTEXT]


def written(family: str, more: str = "", context: str = CONTEXT, question: str = QUESTION) -> str:
    return f"- {{task: question-answering, model: {family}, question: '{question}', context: '{context}'{more}}}"


def number(quantity: str, target: Target) -> Number:
    """The explained number of start and end logits (n, t, 2) by its definition."""

    def of(logits: Tensor, at: list[int]) -> Tensor:
        values = logits if quantity == "logit" else logits - logits.exp().sum(dim=1, keepdim=True).log()
        total = values[:, at[0], 0] + values[:, at[-1], 1]
        return total.exp() if quantity == "probability" else total

    def f(logits: Tensor) -> Tensor:
        own = of(logits, target.at)
        return own if not target.foil_at else own - of(logits, target.foil_at)

    return f


def in_context(encoding: Encoding) -> list[int]:
    return [i for i, token in enumerate(encoding.tokens) if token.segment == 1]


def spans(result: ExampleResult, logits: Tensor) -> list[tuple[float, int, int]]:
    """Every answer with its sum of logits, the largest first."""
    context = in_context(result.encodings[0])
    found = [
        (float(logits[first, 0] + logits[last, 1]), first, last)
        for first, last in product(context, context)
        if first <= last < first + LONGEST
    ]
    return sorted(found, reverse=True)


def shown(encoding: Encoding, first: int, last: int) -> str:
    return encoding.segments[1].text[encoding.tokens[first].start : encoding.tokens[last].end]


@pytest.mark.parametrize("family", tiny.ANSWERS)
@pytest.mark.parametrize("quantity", ["logit", "log_prob", "probability"])
@pytest.mark.parametrize("more", ["", ", target: Paris", ", target: Paris, foil: London was", ", foil: runner-up"])
def test_every_map_is_central_differences_of_start_and_end(
    family: str, quantity: str, more: str, explain: Explain, families: Path
) -> None:
    if "foil" in more and quantity == "log_prob":
        return
    result = only(explain(written(family, f"{more}, quantity: {quantity}"), dtype="float64"))
    target = result.maps[0].target
    assert target.indices == [target.at[0], target.at[-1]]
    if "Paris" in more:
        assert shown(result.encodings[0], *target.indices) == "Paris"
    model = plain(families / family, "question-answering")
    check(result, 0, model, TEXTS, number(quantity, target))


@pytest.mark.parametrize("family", tiny.ANSWERS)
def test_the_likeliest_answers_are_the_best_of_all_spans_of_the_context(
    family: str, explain: Explain, families: Path
) -> None:
    result = only(explain(written(family, ", no_answer: false"), dtype="float64"))
    logits = plain(families / family, "question-answering").logits(TEXTS)[0]
    best = spans(result, logits)
    assert result.prediction is not None
    outcomes = result.prediction.outcomes
    assert result.prediction.predicted == 0
    assert [outcome.logit for outcome in outcomes] == pytest.approx([one for one, _, _ in best[:5]], rel=1e-9)
    assert [outcome.label for outcome in outcomes] == [shown(result.encodings[0], *one[1:]) for one in best[:5]]
    starts, ends = logits.softmax(dim=0).unbind(dim=1)
    expected = [float(starts[first] * ends[last]) for _, first, last in best[:5]]
    assert [outcome.probability for outcome in outcomes] == pytest.approx(expected, rel=1e-9)
    target = result.maps[0].target
    assert (target.at[0], target.at[-1]) == best[0][1:]
    assert target.sentence.startswith(
        f"start logit plus end logit of “{outcomes[0].label}”, the likeliest answer, p = "
    )


@pytest.mark.parametrize("family", tiny.ANSWERS)
def test_a_runner_up_shares_no_token_with_the_answer(family: str, explain: Explain, families: Path) -> None:
    result = only(explain(written(family, ", foil: runner-up, no_answer: false"), dtype="float64"))
    logits, target = plain(families / family, "question-answering").logits(TEXTS)[0], result.maps[0].target
    beside = [one for one in spans(result, logits) if one[2] < target.at[0] or one[1] > target.at[-1]]
    assert (target.foil_at[0], target.foil_at[-1]) == beside[0][1:]
    foil = shown(result.encodings[0], *beside[0][1:])
    assert (
        f" minus that of the likeliest other answer “{foil}”; “{target.label}” is the likeliest answer, p "
        in target.sentence
    )


def certain_of(token: int, source: Path, folder: Path) -> Plain:
    """A model that marks one position whatever it reads: BERT's position embeddings decide."""
    shutil.copytree(source, folder)
    model: Any = transformers.AutoModelForQuestionAnswering.from_pretrained(folder)
    with torch.no_grad():
        places = model.bert.embeddings.position_embeddings.weight
        places[token] += 4 * torch.randn(places.shape[1], generator=torch.Generator().manual_seed(5))
        states = model.bert(**transformers.AutoTokenizer.from_pretrained(folder)(*TEXTS, return_tensors="pt"))[0][0]
        apart = states[token] - states.mean(dim=0)
        model.qa_outputs.weight[:] = apart / apart.norm()
    model.save_pretrained(folder)
    return plain(folder, "question-answering")


def test_no_answer_is_explained_where_it_is_the_likeliest(explain: Explain, families: Path, tmp_path: Path) -> None:
    model = certain_of(0, families / "bert-answers", tmp_path / "certain")
    text = "\n".join(written("certain", more) for more in ("", ", no_answer: false", ", foil: runner-up"))
    report = explain(text, dtype="float64", folder=tmp_path)
    none, some, foil = report.examples
    target = none.maps[0].target
    assert none.prediction is not None
    assert none.prediction.outcomes[0].label == target.label == "no answer"
    assert (target.at, target.indices) == ([0], [0, 0])
    p = none.prediction.outcomes[0].probability
    assert target.sentence == (
        f"start logit plus end logit of no answer, which is marked at [CLS], the likeliest answer, p = {p:.3f}, "
        "that of the start times that of the end"
    )
    check(none, 0, model, TEXTS, number("logit", target))
    assert some.prediction is not None
    assert "no answer" not in [outcome.label for outcome in some.prediction.outcomes]
    assert min(some.maps[0].target.at) >= in_context(some.encodings[0])[0]
    check(foil, 0, model, TEXTS, number("logit", foil.maps[0].target))
    assert foil.maps[0].title == f"no answer − {some.maps[0].target.label}"


def test_a_batch_of_several_lengths_equals_each_alone(explain: Explain) -> None:
    contexts = [CONTEXT, "Paris.", "The cat sat on the movie in Rome, France, and it was bad. Paris."]
    examples = [
        written("bert-answers", f", quantity: {quantity}", context)
        for context, quantity in zip(contexts, ("log_prob", "probability", "logit"), strict=True)
    ]
    together = explain("\n".join(examples), dtype="float64").examples
    for text, one in zip(examples, together, strict=True):
        alone = only(explain(text, dtype="float64", budget=1))
        assert one.prediction is not None
        assert alone.prediction is not None
        assert [o.label for o in one.prediction.outcomes] == [o.label for o in alone.prediction.outcomes]
        (ours,), (theirs,) = one.maps, alone.maps
        check_alike(ours, theirs, rel=1e-8)


@pytest.mark.parametrize("more", ["", ", quantity: probability, target: Paris, foil: London", ", quantity: log_prob"])
def test_methods_and_evidence_are_of_the_same_number(more: str, explain: Explain, families: Path) -> None:
    asked = f"{more}, methods: all, faithfulness: true, flips: 2, layers: true, randomisation: all"
    result = only(explain(written("bert-answers", asked), dtype="float64"))
    assert result.warnings == []
    assert len(result.maps) == 8
    target = result.maps[0].target
    f, model = (
        number(target.quantity.removesuffix(" difference"), target),
        plain(families / "bert-answers", "question-answering"),
    )
    check_methods(result, 0, model, TEXTS, f)
    direction = check_evidence(result, model, TEXTS, f)
    assert [flip.answer for flip in direction.flips] == [None] * len(direction.flips)


def test_what_is_cut_out_is_not_among_the_answers_of_a_probability(explain: Explain, families: Path) -> None:
    """The probabilities of the shorter text are over its own tokens; the answers themselves stay."""
    more = ", target: Paris, foil: London, quantity: probability, methods: occlusion, removal: delete"
    result = only(explain(written("bert-answers", more), dtype="float64"))
    encoding, drops = result.encodings[0], result.maps[1].word_scores["drop"]
    texts = [
        None if word.segment is None else encoding.segments[word.segment].text[word.start : word.end]
        for word in encoding.words
    ]
    assert {text for text, drop in zip(texts, drops, strict=True) if drop is None} == {None, "Paris", "London"}
    model, target = plain(families / "bert-answers", "question-answering"), result.maps[0].target
    cut = texts.index("was", texts.index("Paris"))
    assert len(encoding.words[cut].tokens) == 1
    earlier = texts.index("What")
    for word, shorter in ((cut, [QUESTION, CONTEXT.replace("was ", "")]), (earlier, [QUESTION[5:], CONTEXT])):
        gone = encoding.words[word].tokens

        def moved(tokens: list[int], gone: list[int] = gone) -> list[int]:
            return [token - sum(one < token for one in gone) for token in tokens]

        there = target.model_copy(update={"at": moved(target.at), "foil_at": moved(target.foil_at)})
        without = float(number("probability", there)(model.logits(shorter)))
        assert drops[word] == pytest.approx(target.score - without, rel=1e-6)


def test_functions_give_the_explained_numbers_again(families: Path) -> None:
    for more in ("", ", quantity: probability", ", target: Paris, foil: runner-up"):
        check_functions(opened(written("bert-answers", more), families))


@pytest.mark.parametrize(
    ("more", "warning"),
    [
        (", target: capi", "target: the tokens of 'capi' are those of 'capital', which is taken."),
        (
            ", target: Paris, foil: a",
            "foil: 'a' occurs 6 times in the context; the first is explained.",
        ),
    ],
)
def test_what_is_explained_in_the_place_of_a_name_is_told(more: str, warning: str, explain: Explain) -> None:
    assert warning in only(explain(written("bert-answers", more))).warnings


def test_an_answer_that_is_named_twice_is_refused(explain: Explain) -> None:
    failure = explain(written("bert-answers", ", target: Paris, foil: ' Paris'"), debug=False).examples[0].failure
    assert failure is not None
    assert (failure.message, failure.next_step) == (
        "foil: ' Paris' has the same tokens as the target; their difference is always 0.",
        "Write `foil: runner-up`, or another answer.",
    )


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            "model: m\n  context: in Rome\n  target: rome",
            "in.yaml:5:11: [0].target: 'rome' does not occur in context; did you mean 'Rome'?",
        ),
        (
            "model: m\n  context: in Rome\n  foil: Paris",
            "in.yaml:5:9: [0].foil: 'Paris' does not occur in context; write runner-up, or words from there",
        ),
        (
            "model: m\n  context: in Rome\n  target: Rome\n  foil: Rome",
            "in.yaml:6:9: [0].foil: is the target itself; their difference is always 0",
        ),
        (
            "model: m\n  context: a\n  quantity: loss",
            "in.yaml:5:13: [0].quantity: loss is that of a right answer, which question-answering is not told; "
            "write log_prob, its negative",
        ),
    ],
)
def test_a_wrong_field_is_named_at_its_place(fields: str, message: str) -> None:
    assert refusal(f"- task: question-answering\n  question: q\n  {fields}") == message


def test_the_page_marks_the_answer_in_the_context(visit: Open, explain: Explain) -> None:
    report = explain(
        written("bert-answers", ", target: France is Paris, foil: London, methods: occlusion")
        + "\n"
        + written("bert-answers")
    )
    page = visit(report)
    card = page.page.locator("#example-1")
    assert card.locator(".maps .segment-name").all_inner_texts() == ["Question", "Context"]
    assert card.locator(".maps .g").all_text_contents() == ["France", "is", "Paris"]
    assert card.locator(".maps [data-segment=question] .g").count() == 0
    assert card.locator(".others .g").all_text_contents() == ["France", "is", "Paris"]
    assert card.locator(".target").inner_text().endswith(" The first is outlined in the text.")
    assert card.locator(".outcomes h4").inner_text() == "Likeliest answers"
    first = report.examples[1].prediction
    assert first is not None
    assert page.page.locator("#example-2 .answer bdi").first.inner_text() == first.outcomes[0].label
