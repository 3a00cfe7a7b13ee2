"""What an example asks for beyond the gradient: what fails alone, what is the same however it is computed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import AutoModelForSequenceClassification

import tiny
from conftest import Explain
from plain_model import map_of
from records import measured
from saliency_report import engine, worker
from saliency_report.analysis import randomisation
from saliency_report.engine import Job
from saliency_report.errors import ExampleError
from saliency_report.methods import METHODS, Attribution, Method, Start, Steps
from saliency_report.models import Loaded, load
from saliency_report.pipeline import Run
from saliency_report.record import Evidence, ExampleResult, Report, from_json, to_json
from saliency_report.sources import request
from saliency_report.spec import parse_spec

EVERYTHING = "methods: all, faithfulness: true, orders: 10, flips: 2, layers: true, randomisation: all, samples: 4"
CPU = torch.device("cpu")


pytestmark = pytest.mark.usefixtures("one_thread")


def evidence(result: ExampleResult) -> Evidence:
    assert result.failure is None, result.failure
    assert result.evidence is not None
    return result.evidence


def names(result: ExampleResult) -> list[str]:
    return [map_.method for map_ in result.maps]


def classify(family: str, text: str, options: str) -> str:
    return f"- {{task: text-classification, model: {family}, text: '{text}', {options}}}\n"


# Batches


def assert_alike(ours: Any, theirs: Any, where: str = "") -> None:
    """Everything equal, numbers to six digits."""
    if isinstance(ours, dict):
        assert list(ours) == list(theirs), where
        for key in ours:
            if key not in ("seconds", "token_budget"):
                assert_alike(ours[key], theirs[key], f"{where}.{key}")
    elif isinstance(ours, list):
        assert len(ours) == len(theirs), where
        for i, pair in enumerate(zip(ours, theirs, strict=True)):
            assert_alike(*pair, where=f"{where}[{i}]")
    elif isinstance(ours, float):
        assert ours == pytest.approx(theirs, rel=1e-6, abs=1e-9), where
    else:
        assert ours == theirs, where


@pytest.mark.parametrize("family", ["bert", "llama-classifier", "fnet", "gpt2", "bert-choice"])
def test_in_one_batch_or_alone_or_piece_by_piece_the_numbers_are_the_same(family: str, explain: Explain) -> None:
    written = {
        "gpt2": "task: text-generation, prompt: '{}', continuation: ' bad cat', target: 1",
        "bert-choice": "task: multiple-choice, context: '{}', question: The cat is, choices: [bad, Rome], foil: 1, "
        "target: 0",
    }.get(family, "task: text-classification, text: '{}'")
    texts = ("The cat sat on the bad mat.", "This movie was bathed in Rome, the capital.")
    options = EVERYTHING.replace("orders: 10", "orders: 10, fractions: [0.5], beam: 1")
    examples = [
        f"- {{id: e{i}, model: {family}, {written.format(text)}, rationale: [{word}], {options}}}\n"
        for i, (text, word) in enumerate(zip(texts, ("bad", "movie"), strict=True))
    ]
    together = explain("".join(examples), dtype="float64").examples
    tiny_budget = explain("".join(examples), dtype="float64", budget=1).examples
    alone = [explain(one, dtype="float64").examples[0] for one in examples]
    assert len(names(alone[0])) >= 6
    for others in (together, tiny_budget):
        for ours, theirs in zip(others, alone, strict=True):
            assert_alike(ours.model_dump(), theirs.model_dump())


def test_everything_fits_the_record(explain: Explain) -> None:
    report = explain(classify("bert", "The cat sat on the bad mat.", EVERYTHING + ", rationale: [bad]"))
    assert from_json(to_json(report), "report.json") == report
    found = evidence(report.examples[0])
    assert all(getattr(found, part) for part in Evidence.model_fields)
    assert names(report.examples[0]) == list(METHODS)
    assert [method.name for method in report.methods] == list(METHODS)


# What fails leaves the rest


@pytest.mark.parametrize(
    ("family", "options", "missing", "warnings"),
    [
        (
            "gpt2-classifier",
            "baseline: mask",
            ["integrated_gradients"],
            [
                "Integrated gradients could not be computed. baseline: the tokenizer has no mask token. "
                "Write another baseline, such as mean."
            ],
        ),
        (
            "bert",
            "baseline: {text: The cat sat on the mat in the capital of France}",
            ["integrated_gradients"],
            [
                "Integrated gradients could not be computed. baseline: the text has 13 tokens, there are 10 to put it "
                "in the place of. Give a text that is no longer than the example's; a shorter one is repeated."
            ],
        ),
        (
            "fnet",
            "steps: 8",
            ["attention_rollout", "gradient_x_attention"],
            [
                f"{title} could not be computed. The model gives no attention weights. Leave attention_rollout and "
                "gradient_x_attention out for this model."
                for title in ("Attention rollout", "Gradient × attention")
            ],
        ),
        *(
            (
                family,
                "removal: mask, faithfulness: true, flips: 1, layers: true, randomisation: all, rationale: [bad]",
                ["occlusion"],
                [
                    f"{title} could not be computed. removal: the tokenizer has no mask token. "
                    "Write `removal: delete`, or leave it out."
                    for title in ("Occlusion", "Faithfulness")
                ],
            )
            for family in ("gpt2-classifier", "roberta")
        ),
    ],
)
def test_what_cannot_be_computed_is_said_and_leaves_the_rest(
    family: str, options: str, missing: list[str], warnings: list[str], explain: Explain
) -> None:
    text = classify(family, "The cat sat on the bad mat.", f"methods: all, samples: 3, {options}")
    result = explain(text).examples[0]
    assert result.warnings == warnings
    assert names(result) == [name for name in METHODS if name not in missing]
    found = evidence(result)
    assert found.agreement is not None
    assert found.agreement.names == names(result)
    if "layers" in options:
        assert [part for part in Evidence.model_fields if getattr(found, part) is None] == ["faithfulness"]
        assert all(map_.plausibility is not None for map_ in result.maps)


def test_a_baseline_of_no_tokens_is_said(explain: Explain) -> None:
    text = (
        '- {task: text-classification, text: A warm film, methods: integrated_gradients, baseline: {text: "\\u200b"}}'
    )
    result = explain(text).examples[0]
    assert result.warnings == [
        "Integrated gradients could not be computed. baseline: the text '\\u200b' has no tokens. Give a text of words."
    ]
    assert names(result) == ["gradient"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[MASK] [SEP]", "0 words"),
        ("bad", "1 word"),
        ("The cat", "2 words"),
        ("The cat.", "3 words"),
        ("The cat sat.", "4 words"),
    ],
)
def test_too_few_words_are_said(text: str, words: str, explain: Explain) -> None:
    result = explain(classify("bert", text, EVERYTHING)).examples[0]
    faithful = [
        f"Faithfulness could not be computed. The text has {words} that can be removed, 5 are needed. "
        "Give a longer text, or leave `faithfulness` out."
    ]
    few = [
        f"The check with random weights could not be made. The text has {words} that can be compared, 4 are needed. "
        "Give a longer text, or leave `randomisation` out."
    ]
    nothing = "Integrated gradients could not be computed. The baseline is the text itself, so there is no change to "
    nothing += "share out. Choose another baseline, or write `keep_special: false` where all tokens are kept."
    empty = words == "0 words"
    assert result.warnings == [*([nothing] if empty else []), *(few if words < "4" else []), *faithful]
    assert names(result) == [name for name in METHODS if not empty or name != "integrated_gradients"]
    found = evidence(result)
    assert found.layers is not None
    assert found.direction is not None
    assert found.faithfulness is None
    assert (found.agreement is None) == (words[0] == "0")


def custom(families: Path, text: str, *methods: Method, debug: bool = True) -> Report:
    spec = parse_spec(text, "input.yaml", "input.yaml", families)
    return Run(spec, CPU, "float32", lambda result: None, debug=debug, custom=methods).report()


def twice(start: Start) -> Steps:
    """Twice the gradient at the middle between baseline and text."""
    answer = yield ((start.x + start.baseline) / 2)[None]
    return Attribution(2 * answer.gradients[0])


def pooled(start: Start) -> Steps:
    yield from ()
    return Attribution(start.gradient.sum(dim=-1))


def refused(start: Start) -> Steps:
    """Computed for a text of six tokens and more."""
    yield from ()
    if len(start.x) < 6:
        raise ExampleError("Too short for this method.", "Give a longer text.")
    return Attribution(start.gradient)


DOUBLED = Method("doubled", "Doubled", "Twice the gradient.", "a = 2 g", "nobody", ("sum", "l2"), twice)


def test_a_method_of_ones_own_is_a_map(families: Path) -> None:
    text = classify("llama-classifier", "The cat sat on the bad mat.", "baseline: pad, keep_special: false")
    report = custom(families, text, DOUBLED)
    result = report.examples[0]
    assert names(result) == ["gradient", "doubled"]
    assert [method.name for method in report.methods] == ["gradient", "doubled"]
    found = evidence(result)
    assert found.agreement is not None
    assert found.agreement.names == ["gradient", "doubled"]

    loaded = load(request(parse_spec(text, "i", "i", families).examples[0], "float32"), CPU, families)
    model: Any = loaded.model
    ids = torch.tensor([[token.id for token in result.encodings[0].tokens]])
    matrix: Tensor = model.get_input_embeddings().weight
    point = ((matrix[ids] + matrix[1]) / 2).detach().requires_grad_()
    with torch.enable_grad():
        handle = model.get_input_embeddings().register_forward_hook(lambda module, args, output: point)
        score = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0, result.maps[0].target.index]
        handle.remove()
    (gradient,) = torch.autograd.grad(score, point)
    assert list(result.maps[1].scores) == ["sum", "l2"]
    for name, expected in (("sum", 2 * gradient[0].sum(dim=-1)), ("l2", 2 * gradient[0].norm(dim=-1))):
        assert result.maps[1].scores[name] == pytest.approx(expected.tolist(), rel=1e-4, abs=1e-6)


def test_a_method_of_the_wrong_shape_is_told_so(families: Path) -> None:
    wrong = replace(DOUBLED, name="pooled", title="Pooled", attribute=pooled)
    result = custom(families, classify("bert", "The cat sat.", "methods: smoothgrad"), wrong, DOUBLED).examples[0]
    assert result.warnings == [
        "Pooled could not be computed. The method pooled gives (6,), the embeddings are (6, 16). "
        "Return an attribution of the shape of the embeddings, (t, d)."
    ]
    assert names(result) == ["gradient", "smoothgrad", "doubled"]


def test_a_method_that_fails_for_some_targets_has_the_other_maps(families: Path) -> None:
    picky = replace(DOUBLED, name="picky", title="Picky", attribute=refused)
    text = "- {task: text-generation, model: llama, prompt: The cat sat, continuation: ' bad cat mat'}"
    result = custom(families, text, picky, DOUBLED).examples[0]
    first = [map_ for map_ in result.maps if map_.method == "gradient"]
    short = sum(len(map_.scores["l2"]) < 6 for map_ in first)
    assert 0 < short < len(first)
    assert result.warnings == [
        f"Picky could not be computed for {short} of {len(first)} targets. Too short for this method. "
        "Give a longer text."
    ]
    assert [map_.target for map_ in result.maps if map_.method == "picky"] == [map_.target for map_ in first[short:]]
    found = evidence(result)
    assert found.agreement is not None
    assert found.agreement.names == ["gradient", "doubled"], "the headline's target is too short for it"


def test_a_method_that_is_asked_for_twice_has_one_map(families: Path) -> None:
    own = replace(METHODS["smoothgrad"], title="Mine", attribute=twice)
    result = custom(families, classify("bert", "The cat sat.", "methods: smoothgrad"), own).examples[0]
    assert names(result) == ["gradient", "smoothgrad"]
    assert result.maps[1].noise is None


def test_a_defect_in_a_method_costs_nothing_else(families: Path) -> None:
    def broken(start: Start) -> Steps:
        yield from ()
        raise KeyError("x")

    defect = replace(DOUBLED, name="broken", title="Broken", attribute=broken)
    text = classify("bert", "The cat sat.", "flips: 1, methods: occlusion")
    result = custom(families, text, defect, debug=False).examples[0]
    assert names(result) == ["gradient", "occlusion"]
    assert evidence(result).direction is not None
    assert result.warnings == [
        "Broken could not be computed. KeyError: 'x'. Run again with --debug (debug=True) to see where."
    ]


@pytest.mark.parametrize(
    ("text", "at_the_text", "elsewhere"),
    [
        # Of a classifier it is known from the first pass.
        (classify("bert", "The cat sat on the mat.", "methods: all, samples: 3, flips: 1, max_steps: 16"), 0, 16 + 3),
        (classify("bert", "A cat.", "methods: [vargrad, smoothgrad, smoothgrad_squared], samples: 5"), 0, 5),
        ("- {task: text-generation, model: gpt2, prompt: A cat, max_new_tokens: 2, methods: all, samples: 3, steps: 4, "
         "max_steps: 4}", 2, 2 * (4 + 3)),
    ],
)  # fmt: skip
def test_no_gradient_is_asked_for_twice(
    text: str, at_the_text: int, elsewhere: int, explain: Explain, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [0, 0]
    real = engine.evaluate

    def counting(loaded: Loaded, jobs: Sequence[Job], *, gradient: bool, most: int | None = None) -> Any:
        for job in jobs:
            asked[job.points is not None] += gradient
        return real(loaded, jobs, gradient=gradient, most=most)

    monkeypatch.setattr(engine, "evaluate", counting)
    result = explain(text).examples[0]
    assert result.warnings == []
    assert asked == [at_the_text, elsewhere]


# A loss, and a map without differences


def test_a_loss_has_the_evidence_of_its_log_probability(explain: Explain) -> None:
    options = "label: 1, methods: [integrated_gradients, occlusion], faithfulness: true, orders: 10, rationale: [bad]"
    text = "The cat sat on the bad mat."
    one, other = (
        explain(classify("bert", text, f"{options}, quantity: {quantity}, {target}"), dtype="float64").examples[0]
        for quantity, target in (("loss", "seed: 0"), ("log_prob", "target: 1"))
    )
    assert one.maps[0].target.score == pytest.approx(-other.maps[0].target.score)
    for ours, theirs in zip(one.maps, other.maps, strict=True):
        assert ours.plausibility == theirs.plausibility
    tested = [flat(evidence(found).model_dump()["faithfulness"]) for found in (one, other)]
    for a, b in zip(*tested, strict=True):
        assert a == (pytest.approx(b, rel=1e-6, abs=1e-9) if isinstance(b, float) else b)


def flat(part: Any) -> list[Any]:
    """All that is in a part of the record, in one list."""
    if isinstance(part, dict):
        return flat(list(part.values()))
    return [leaf for item in part for leaf in flat(item)] if isinstance(part, list) else [part]


def test_a_map_of_zeros_says_so_and_has_no_order(explain: Explain, tmp_path: Path) -> None:
    tiny.save("bert", tmp_path / "bert")
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path / "bert")
    with torch.no_grad():
        model.classifier.weight *= 1e6
    model.save_pretrained(tmp_path / "bert")
    text = classify("bert", "The cat sat on the bad mat.", "quantity: probability, faithfulness: true")
    (result,) = explain(text, folder=tmp_path).examples
    assert result.maps[0].target.probability == 1
    assert not any(result.maps[0].scores["l2"])
    assert result.maps[0].warnings == [
        "All numbers are 0: here the explained number does not react to any token at all. A probability that is 1 to "
        "the last digit is such a number: explain the logit."
    ]
    assert result.warnings == [
        "Faithfulness could not be computed. All words of the map have the same score: it has no order to test. "
        "Explain the logit where the quantity is a probability, or leave `faithfulness` out."
    ]


# Random weights


def test_random_weights_leave_no_trace(explain: Explain, monkeypatch: pytest.MonkeyPatch) -> None:
    """The weights are those of the checkpoint again, for the methods that follow and for the examples that follow."""
    held: list[Loaded] = []

    def holding(*args: Any) -> Loaded:
        held.append(load(*args))
        return held[-1]

    monkeypatch.setattr(worker, "load", holding)
    plainly = classify("bert", "The cat sat on the bad mat.", "methods: [integrated_gradients, occlusion], flips: 1")
    checked = plainly.replace("flips: 1", "flips: 1, randomisation: cascading")
    after = classify("bert", "This movie was incredibly bad in the capital.", "methods: smoothgrad")
    alone = [explain(one, budget=1).examples[0] for one in (plainly, after)]
    together = explain(checked + after, budget=1).examples
    again = explain(checked + after, budget=1).examples
    for ours, expected in zip(together, alone, strict=True):
        assert ours.maps == expected.maps
        assert ours.warnings == []
    assert evidence(together[0]).direction == evidence(alone[0]).direction
    assert evidence(together[0]).randomisation == evidence(again[0]).randomisation
    digests = {hashlib.sha256(str(weights(loaded)).encode()).hexdigest() for loaded in held}
    assert len(held) == 4
    assert len(digests) == 1


def weights(loaded: Loaded) -> dict[str, list[float]]:
    return {name: tensor.flatten().tolist() for name, tensor in loaded.model.state_dict().items()}


def test_the_seed_decides_the_random_weights(explain: Explain) -> None:
    text = "This movie was incredibly bad in the capital of France."

    def stages(seed: int, mode: str) -> list[float | None]:
        result = explain(classify("bert", text, f"randomisation: {mode}, seed: {seed}")).examples[0]
        check = evidence(result).randomisation
        assert check is not None
        assert (check.mode, check.seed) == (mode, seed)
        last = check.stages[-1].correlation
        assert last is not None
        assert check.falls is (abs(last) < 0.5)
        return [stage.correlation for stage in check.stages]

    one = stages(1, "cascading")
    assert one == stages(1, "cascading")
    assert one != stages(2, "cascading")
    assert one[-1:] == stages(1, "all"), "the end of a cascade is all at once"
    assert len(one) == 4


def test_the_map_of_a_trained_model_falls_with_its_weights(explain: Explain) -> None:
    text = "The music is lovely, but the script is weak and nobody in the cinema laughed at the jokes of the old men."
    result = explain(f"- {{task: text-classification, text: '{text}', randomisation: cascading}}").examples[0]
    check = evidence(result).randomisation
    assert check is not None
    assert [stage.name for stage in check.stages] == ["head", "layer 3", "layer 2", "layer 1", "embeddings"]
    assert check.stages[-1].parameters > check.stages[0].parameters
    last = check.stages[-1].correlation
    assert last is not None
    assert abs(last) < 0.5
    assert check.falls


def test_weights_that_cannot_be_drawn_are_said_and_cost_nothing_else(
    explain: Explain, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def refuse(*args: Any) -> Iterator[None]:
        raise ExampleError("Quantised weights cannot be drawn anew.", "Leave `randomisation` out for this model.")
        yield

    monkeypatch.setattr(randomisation, "randomised", refuse)
    text = classify("bert", "The cat sat on the mat.", "randomisation: all, flips: 1")
    results = explain(text + text).examples
    for result in results:
        assert result.warnings == [
            "The check with random weights could not be made. Quantised weights cannot be drawn anew. "
            "Leave `randomisation` out for this model."
        ]
        assert evidence(result).direction is not None
        assert evidence(result).randomisation is None


# A person's marks


@pytest.mark.parametrize(
    ("rationale", "marked"),
    [
        ("[bad, capital]", {"bad", "capital"}),
        ("[[15, 18]]", {"bad"}),
        ("[[18, 19]]", {","}),  # right behind a word
        ("[[16, 17], was incr]", {"bad", "was", "incredibly"}),  # a word counts where any of it is marked
    ],
)
def test_a_rationale_is_compared_by_hand(rationale: str, marked: set[str], explain: Explain) -> None:
    text = "This movie was bad, was incredibly bad in the capital."
    options = f"methods: [occlusion, smoothgrad], rationale: {rationale}"
    result = explain(classify("bert", text, options)).examples[0]
    encoding = result.encodings[0]
    spelled = {i: text[word.start : word.end] for i, word in enumerate(encoding.words) if not word.special}
    chosen = {i for i, word in spelled.items() if word in marked}
    if rationale == "[[15, 18]]":
        chosen = {min(chosen)}
    elif "[16, 17]" in rationale:
        (incredibly,) = [i for i, word in spelled.items() if word == "incredibly"]
        chosen = {incredibly, incredibly - 1, min(i for i, word in spelled.items() if word == "bad")}
    for map_ in result.maps:
        scores = next(iter(map_.word_scores.values()))
        values = {i: max(scores[i] or 0.0, 0.0) for i in spelled}
        assert len(set(values.values()) - {0.0}) == sum(value > 0 for value in values.values()), "no ties"
        ranked = sorted(spelled, key=lambda i: -values[i])
        top = {i for i in ranked[: len(chosen)] if values[i] > 0}
        hits = [rank for rank, i in enumerate(ranked, 1) if i in chosen and values[i] > 0]
        precisions = [count / rank for count, rank in enumerate(hits, 1)]
        # Words at 0 pass the last threshold together.
        precisions += [len(chosen) / len(spelled)] * (len(chosen) - len(hits))
        found = map_.plausibility
        assert found is not None
        assert found.k == len(chosen)
        assert len(chosen) / len(spelled) < found.chance < 0.75
        assert found.auprc == pytest.approx(sum(precisions) / len(chosen))
        assert found.f1 == pytest.approx(2 * len(top & chosen) / (len(top) + len(chosen)))
        assert found.iou == pytest.approx(len(top & chosen) / len(top | chosen))


def test_the_run_has_the_means_of_its_examples(explain: Explain) -> None:
    options = "methods: occlusion, faithfulness: true, orders: 10, rationale: [bad]"
    texts = ("The cat sat on the bad mat.", "This movie was incredibly bad in the capital.", "Rome is bad, is bad.")
    text = "".join(classify("bert", one, options) for one in texts)
    report = explain(text + classify("bert", "The cat sat.", "methods: occlusion"))
    assert [one.name for one in report.evidence] == ["gradient", "gradient_x_input", "occlusion", "leave_one_out"]
    for row in report.evidence:
        tests = [found for e in report.examples[:3] if (found := evidence(e).faithfulness)]
        rankings = [next(r for r in found.rankings if r.name == row.name) for found in tests]
        assert row.examples == 3
        assert row.aopc == pytest.approx(sum(r.aopc for r in rankings) / 3)
        assert row.random_aopc == pytest.approx(sum(sum(t.random.aopc) / 10 for t in tests) / 3)
        assert row.sufficiency == pytest.approx(sum(sum(r.sufficiency) / 5 for r in rankings) / 3)
        assert row.better_than_random == sum(r.beaten == 10 for r in rankings)
        judged = [m.plausibility for e in report.examples for m in e.maps if m.method == row.name]
        there = [one for one in judged if one]
        assert row.marked == len(there) == (3 if row.name in ("gradient", "occlusion") else 0)
        for figure in ("auprc", "f1", "iou", "chance"):
            mean = sum(getattr(one, figure) for one in there) / 3 if there else None
            assert getattr(row, figure) == (None if mean is None else pytest.approx(mean))


# Inside the model


def test_the_first_layer_of_a_model_without_positions_is_the_map(explain: Explain) -> None:
    result = explain(classify("llama-classifier", "The cat sat on the bad mat.", "layers: true")).examples[0]
    layers = evidence(result).layers
    assert layers is not None
    assert layers.names == ["embeddings", "layer 1", "layer 2"]
    assert layers.gradient_norm[0] == pytest.approx(result.maps[0].scores["l2"], rel=1e-5)
    assert layers.gradient_x_activation[0] == pytest.approx(result.maps[0].scores["gradient_x_input"], rel=1e-4)


@pytest.mark.parametrize("family", [*tiny.CLASSIFIERS, "bert-choice"])
def test_rollout_is_one_in_all_and_the_same_for_every_target(family: str, explain: Explain) -> None:
    written = f"model: {family}, methods: [attention_rollout, gradient_x_attention]"
    if family == "bert-choice":
        asked = f"- {{task: multiple-choice, {written}, question: The cat is, choices: [bad, Rome]}}"
        results = [*explain(asked).examples] * 2
        nth = (0, 1)
    else:
        asked = "".join(
            classify(family, "The cat sat.", f"{written[written.index('methods') :]}, target: {i}") for i in "01"
        )
        results = [*explain(asked).examples]
        nth = (0, 0)
    rollouts = [
        measured(map_of(r, "attention_rollout", n).scores["attention"]) for r, n in zip(results, nth, strict=True)
    ]
    followed = [
        measured(map_of(r, "gradient_x_attention", n).scores["attention"]) for r, n in zip(results, nth, strict=True)
    ]
    for scores in rollouts:
        assert sum(scores) == pytest.approx(1, rel=1e-5)
        assert min(scores) >= 0
    assert min(map(min, followed)) >= 0
    if family in ("gpt2-classifier", "llama-classifier"):  # where one position is read, and it is the same
        assert rollouts[0] == pytest.approx(rollouts[1], rel=1e-5)
        assert followed[0] != pytest.approx(followed[1], rel=1e-3)


def test_methods_agree_with_themselves(explain: Explain) -> None:
    result = explain(classify("bert", "The cat sat on the bad mat.", "methods: all, samples: 4")).examples[0]
    found = evidence(result).agreement
    assert found is not None
    assert found.names == list(METHODS)
    for i in range(len(found.names)):
        assert found.kendall[i][i] == found.overlap[i][i] == 1
        for j in range(i):
            assert found.kendall[i][j] == found.kendall[j][i]
            assert found.overlap[i][j] == found.overlap[j][i]
    assert result.maps[0].correlation is None
    assert all(map_.correlation is not None for map_ in result.maps[1:])
