"""Every method of a report against something else: captum, or the model run by hand on edited texts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
import torch
from captum.attr import IntegratedGradients, NoiseTunnel, Saliency
from torch import Tensor

import tiny
from conftest import Explain
from plain_model import Plain, map_of, ordinary, plain, relative
from records import measured
from saliency_report.methods import Options, answers, drive, integrated_gradients, smoothgrad, start_at
from saliency_report.record import Completeness, ExampleResult, Map
from test_engine import Float64

TEXT = "The cat sat, bathed in the capital."
SENTENCES = [
    "A warm and funny film that I would gladly see again.",
    "The plot is a mess and the acting is even worse.",
    "I was bored from the first minute to the last.",
    "What a beautiful, moving story about two brothers.",
    "The jokes fall flat and nobody in the cinema laughed.",
    "Her performance is brilliant and carries the whole film.",
    "An awful sequel that nobody asked for.",
    "The music is lovely, but the script is weak.",
    "I loved every scene with the old fisherman.",
    "Slow, dull and far too long.",
    "A clever thriller with a wonderful ending.",
    "The worst film that I have seen this year.",
    "Not a masterpiece, but good fun for the family.",
    "The dialogue is terrible and the effects look cheap.",
    "A perfect evening: great actors, great pictures.",
    "It wastes a fine cast on a stupid story.",
    "Honest, sad and very well made.",
    "I hated the ending and left disappointed.",
    "The children were delighted and so was I.",
    "There is nothing new here, and nothing interesting.",
]


pytestmark = pytest.mark.usefixtures("one_thread")


def baseline_of(model: Plain, ids: Sequence[int], completeness: Completeness) -> Tensor:
    """x′ (t, d) made from what the record says of it."""
    matrix = model.embed(list(range(model.model.get_input_embeddings().num_embeddings)))
    x, name, given = matrix[list(ids)], completeness.baseline, completeness.baseline_text
    token = None if name in ("zero", "mean") else getattr(model.tokenizer, f"{name}_token_id", None)
    free = [i for i in range(len(ids)) if i not in completeness.kept]
    if name == "zero":
        fill = torch.zeros(len(free), x.shape[1], dtype=x.dtype)
    elif name == "mean":
        fill = matrix.mean(dim=0).expand(len(free), -1)
    elif token is not None:
        fill = matrix[[token] * len(free)]
    else:
        assert (name, given is None) == ("text", False)
        text = model.tokenizer(given, add_special_tokens=False).input_ids
        fill = matrix[(text * len(free))[: len(free)]]
    baseline = x.clone()
    baseline[free] = fill
    return baseline


def filled(scores: Sequence[float | None], map_: Map) -> list[float]:
    """The scores, with 0 for the tokens that the baseline keeps: there is no way from it to the text."""
    assert map_.completeness is not None
    assert all(score is not None or i in map_.completeness.kept for i, score in enumerate(scores))
    return [score or 0.0 for score in scores]


def example(family: str, text: str = TEXT) -> str:
    """An example of a family's task, without its last brace."""
    if family in tiny.CAUSAL:
        return f"- {{task: text-generation, model: {family}, prompt: '{text}', continuation: ' bad cat'"
    if family in tiny.CHOICE:
        return (
            f"- {{task: multiple-choice, model: {family}, context: '{text}', question: The cat is, choices: [bad, Rome]"
        )
    return f"- {{task: text-classification, model: {family}, text: '{text}'"


@pytest.mark.parametrize("family", [*tiny.CLASSIFIERS, *tiny.CAUSAL, "bert-choice", "embedded"])
def test_integrated_gradients_are_captums(family: str, explain: Explain, families: Path) -> None:
    with Float64():
        text = example(family, SENTENCES[0] if family == "embedded" else TEXT)
        asked = text + ", methods: integrated_gradients, steps: 32, max_steps: 32}"
        result = explain(asked, dtype="float64").examples[0]
        model = plain(family, families)
        map_ = map_of(result, "integrated_gradients", -1)
        assert map_.completeness is not None
        x = model.embed(model.ids(result, map_))
        origin = baseline_of(model, model.ids(result, map_), map_.completeness)
        captum = IntegratedGradients(lambda points: model.at(result, map_, points), multiply_by_inputs=True)
        theirs = captum.attribute(x[None], origin[None], method="gausslegendre", n_steps=32)[0].detach()
        assert map_.completeness.evaluated == map_.completeness.steps == 32
        ours = torch.tensor(filled(map_.scores["attribution"], map_), dtype=torch.float64)
        assert relative(ours, theirs.sum(dim=-1)) < 1e-6
        for name, scores in (("attribution_l1", theirs.abs().sum(dim=-1)), ("attribution_l2", theirs.norm(dim=-1))):
            assert relative(torch.tensor(filled(map_.scores[name], map_), dtype=torch.float64), scores) < 1e-6

        answer = answers(lambda points: model.at(result, map_, points))
        start = start_at(answer, x, origin, options=Options(steps=32, max_steps=32))
        assert relative(drive(integrated_gradients(start), answer).values, theirs) < 1e-6


def test_smoothgrad_is_captums_noise_tunnel(explain: Explain, families: Path) -> None:
    """Both are means of random gradients: their difference in standard errors must look like a normal variable."""
    count = 250
    of_record, of_method, gradients = [], [], []
    for family in tiny.CLASSIFIERS:
        asked = example(family) + f", methods: smoothgrad, samples: {count}, noise: 0.1, seed: 5}}"
        result = explain(asked, dtype="float64").examples[0]
        model, map_ = plain(family, families), map_of(result, "smoothgrad")
        assert map_.noise is not None
        x = model.embed(model.ids(result, map_))
        assert map_.noise.sigma == pytest.approx(0.1 * float(x.max() - x.min()), rel=1e-12)
        answer = answers(partial(model.at, result, map_))
        torch.manual_seed(11)
        tunnel = NoiseTunnel(Saliency(partial(model.at, result, map_)))
        captum = {"nt_samples": count, "nt_samples_batch_size": 100, "stdevs": map_.noise.sigma, "abs": False}
        theirs = tunnel.attribute(x[None], nt_type="smoothgrad", **captum)[0].detach()

        got = drive(smoothgrad(start_at(answer, x, x, options=Options(samples=count, noise=0.1, seed=5))), answer)
        assert got.samples is not None
        # Both have an error of their own.
        of_method.append((got.values - theirs) / (got.samples.std(dim=0) * (2 / count) ** 0.5))
        # Of the scores only those that are linear in the gradient are unbiased; the sum is 0 under a layer norm.
        errors, products = map_.noise.standard_errors["gradient_x_input"], map_.scores["gradient_x_input"]
        error, product = torch.tensor(errors, dtype=torch.float64) * 2**0.5, (theirs * x).sum(dim=-1)
        of_record.append((torch.tensor(products, dtype=torch.float64) - product) / error)
        plainly = map_of(result, "gradient").scores["gradient_x_input"]
        gradients.append((torch.tensor(plainly, dtype=torch.float64) - product) / error)
        assert products == pytest.approx((got.values * x).sum(dim=-1).tolist(), rel=1e-6, abs=1e-9)
    z = torch.cat(of_record)
    assert len(z) > 50
    assert int((z.abs() > 3).sum()) <= 1  # 0.2 are expected
    assert 0.75 < float(z.square().mean().sqrt()) < 1.3
    z = torch.cat([values.flatten() for values in of_method])
    assert len(z) > 800
    assert float((z.abs() > 3).double().mean()) <= 0.01  # 0.0027 are expected, and the coordinates are not independent
    assert 0.85 < float(z.square().mean().sqrt()) < 1.15
    assert float(torch.cat(gradients).abs().max()) > 10  # the gradient itself is clearly another map


BASELINES = ["zero", "mean", "pad", "mask", "eos", "{text: The bad cat}"]
MISSING = {"mask": ["roberta", "gpt2-classifier", "llama-classifier"], "eos": ["bert", "distilbert"]}
BOUND = {"pass": 0.01, "warn": 0.05, "fail": float("inf")}


@pytest.mark.parametrize("family", tiny.CLASSIFIERS)
def test_attributions_add_up_to_the_change_of_f(family: str, explain: Explain, families: Path) -> None:
    asked = [(baseline, keep) for baseline in BASELINES for keep in ("true", "false")]
    text = "".join(
        example(family) + f", methods: integrated_gradients, baseline: {baseline}, keep_special: {keep}}}\n"
        for baseline, keep in asked
    )
    with Float64():
        results = explain(text, dtype="float64").examples
        model = plain(family, families)
        verdicts = []
        for (baseline, keep), result in zip(asked, results, strict=True):
            if family in MISSING.get(baseline, []):
                assert result.warnings == [
                    f"Integrated gradients could not be computed. baseline: the tokenizer has no {baseline} token. "
                    "Write another baseline, such as mean."
                ]
                assert [map_.method for map_ in result.maps] == ["gradient"]
                continue
            map_ = map_of(result, "integrated_gradients")
            stated, tokens = map_.completeness, result.encodings[0].tokens
            assert stated is not None
            first = [0] if family.startswith(("gpt2", "llama")) else []
            special = [i for i, token in enumerate(tokens) if token.special]
            assert stated.kept == (sorted({*special, *first}) if keep == "true" else [])
            assert all([i for i, v in enumerate(vs) if v is None] == stated.kept for vs in map_.scores.values())
            ordinary_kept = [TEXT[t.start : t.end] for t in (tokens[i] for i in stated.kept) if not t.special]
            assert map_.warnings == [
                f"“{word}” stays as it is in the baseline, so this map has no number for it." for word in ordinary_kept
            ]
            origin = baseline_of(model, model.ids(result, map_), stated)
            with torch.no_grad():
                at_baseline = float(model.at(result, map_, origin[None])[0])
            given = "The bad cat" if baseline[0] == "{" else None
            assert (stated.baseline, stated.baseline_text) == (baseline if given is None else "text", given)
            assert stated.baseline_score == pytest.approx(at_baseline, rel=1e-6, abs=1e-9)
            assert stated.score == pytest.approx(model.score(result, map_), rel=1e-9)
            total, rise = sum(filled(map_.scores["attribution"], map_)), model.score(result, map_) - at_baseline
            assert stated.total == pytest.approx(total, rel=1e-9, abs=1e-12)
            of_words = sum(score for score in map_.word_scores["attribution"] if score is not None)
            assert stated.total == pytest.approx(of_words, rel=1e-9, abs=1e-12)
            assert stated.delta == pytest.approx(stated.total - (stated.score - stated.baseline_score), abs=1e-12)
            assert stated.relative is not None
            assert stated.relative == pytest.approx(abs(stated.delta) / abs(stated.score - stated.baseline_score))
            assert stated.verdict == next(v for v, bound in BOUND.items() if stated.relative <= bound)
            assert abs(total - rise) <= BOUND[stated.verdict] * abs(rise) * (1 + 1e-6)
            assert stated.steps <= stated.evaluated <= stated.max_steps == 512
            verdicts.append(stated.verdict)
    assert verdicts.count("pass") >= len(verdicts) - 1  # zeros are hard for a norm


def test_a_special_token_that_is_written_in_the_text_is_kept(explain: Explain) -> None:
    asked = example("bert", "The [MASK] sat on Rome.") + ", methods: integrated_gradients, baseline: mean}"
    result = explain(asked).examples[0]
    tokens, map_ = result.encodings[0].tokens, map_of(result, "integrated_gradients")
    assert map_.completeness is not None
    written = [token.text for token in tokens].index("[MASK]")
    assert map_.completeness.kept == [0, written, len(tokens) - 1]
    assert map_.scores["attribution"][written] is None


def test_the_default_adds_up_on_the_embedded_model(explain: Explain) -> None:
    text = "defaults: {task: text-classification, methods: integrated_gradients}\nexamples:\n"
    results = explain(text + "".join(f"- {{text: '{sentence}'}}\n" for sentence in SENTENCES)).examples
    for result in results:
        map_ = map_of(result, "integrated_gradients")
        stated = map_.completeness
        assert stated is not None
        assert (stated.baseline, stated.verdict) == ("mask", "pass"), result.inputs["text"]
        rise = stated.score - stated.baseline_score
        assert abs(sum(filled(map_.scores["attribution"], map_)) - rise) <= 0.01 * abs(rise) + 1e-6


def removed(model: Plain, map_: Map, tokens: Sequence[int], *, mask: bool, causal: bool) -> dict[int, int | None]:
    """Tokens masked, or cut out; at a causal model's beginning <s> stands in."""
    shown = [i for i in tokens if i < len(map_.scores[next(iter(map_.scores))])]
    if mask:
        return dict.fromkeys(shown, model.tokenizer.mask_token_id)
    return {i: model.tokenizer.bos_token_id if causal and i == 0 else None for i in shown}


OCCLUSION = [
    *((family, "auto") for family in (*tiny.CLASSIFIERS, *tiny.CAUSAL, "bert-choice")),
    ("bert", "delete"),
    ("distilbert", "mask"),
]


@pytest.mark.parametrize(("family", "removal"), OCCLUSION)
def test_a_drop_is_f_less_f_without_the_word(family: str, removal: str, explain: Explain, families: Path) -> None:
    asked = example(family) + f", methods: occlusion, removal: {removal}}}"
    result = explain(asked, dtype="float64").examples[0]
    model = plain(family, families)
    causal = family.startswith(("gpt2", "llama"))
    mask = removal != "delete" and "bert" in family and family != "roberta"
    for nth in range(len([m for m in result.maps if m.method == "occlusion"])):
        map_ = map_of(result, "occlusion", nth)
        encoding, count = result.encodings[map_.encoding], len(map_.scores["drop"])
        score = model.score(result, map_)
        several = 0
        assert (map_.special_share is None) == any(token.special for token in encoding.tokens)
        for index, drop in enumerate(map_.word_scores["drop"]):
            word = encoding.words[index]
            if word.special:
                assert drop is None
                assert all(map_.scores["drop"][i] is None for i in word.tokens)
                continue
            without = model.score(result, map_, removed(model, map_, word.tokens, mask=mask, causal=causal))
            assert drop == pytest.approx(score - without, rel=1e-6, abs=1e-9)
            assert drop != 0
            visible = [i for i in word.tokens if i < count]
            several += len(visible) > 1
            for i in visible:
                alone = model.score(result, map_, removed(model, map_, [i], mask=mask, causal=causal))
                assert map_.scores["drop"][i] == pytest.approx(score - alone, rel=1e-6, abs=1e-9)
        assert several


def curves(
    model: Plain, result: ExampleResult, map_: Map, order: Sequence[int], *, mask: bool, causal: bool
) -> tuple[list[float], list[float]]:
    """F without the first k words, and with them alone, for k = 0 … n."""
    words = result.encodings[map_.encoding].words

    def without(gone: Sequence[int]) -> float:
        tokens = [token for i in gone for token in words[i].tokens]
        return model.score(result, map_, removed(model, map_, tokens, mask=mask, causal=causal))

    counts = range(len(order) + 1)
    return [without(order[:k]) for k in counts], [without(order[k:]) for k in counts]


@pytest.mark.parametrize("family", ["bert", "roberta", "gpt2-classifier", "llama", "bert-choice"])
def test_the_curves_of_faithfulness_are_those_of_the_model(family: str, explain: Explain, families: Path) -> None:
    asked = example(family) + ", faithfulness: true, fractions: [0.5], orders: 10, beam: 1}"
    result = explain(asked, dtype="float64").examples[0]
    assert result.evidence is not None
    tests = result.evidence.faithfulness
    assert tests is not None
    model, map_ = plain(family, families), result.maps[result.headline]
    mask, causal = family in ("bert", "bert-choice"), family.startswith(("gpt2", "llama"))
    words = ordinary(result.encodings[map_.encoding], len(map_.scores["l2"]))
    for ranking, name in zip(tests.rankings[:2], ("l2", "gradient_x_input"), strict=True):
        order = sorted(words, key=lambda i: -measured(map_.word_scores[name])[i])
        deletion, insertion = curves(model, result, map_, order, mask=mask, causal=causal)
        assert tests.grid == list(range(len(words) + 1))
        assert ranking.deletion == pytest.approx(deletion, rel=1e-6, abs=1e-9)
        assert ranking.insertion == pytest.approx(insertion, rel=1e-6, abs=1e-9)
        k = int(0.5 * len(words) + 0.5)
        assert ranking.comprehensiveness == pytest.approx([deletion[0] - deletion[k]], rel=1e-6, abs=1e-9)
        assert ranking.sufficiency == pytest.approx([deletion[0] - insertion[k]], rel=1e-6, abs=1e-9)
        assert ranking.aopc == pytest.approx(deletion[0] - sum(deletion[1:]) / len(words), rel=1e-6, abs=1e-9)
    assert [r.name for r in tests.rankings] == ["gradient", "gradient_x_input", "leave_one_out"]
    assert [r.map for r in tests.rankings] == [result.headline, result.headline, None]
    assert tests.removal == ("mask" if mask else "delete")
    assert tests.score == pytest.approx(model.score(result, map_), rel=1e-9)
    assert tests.empty_score == pytest.approx(deletion[-1], rel=1e-6, abs=1e-9)


def test_the_curves_of_a_contrast_remove_a_word_from_every_row(explain: Explain, families: Path) -> None:
    """F is a difference of two choices' logits: the context goes from both rows, a choice from its own."""
    asked = example("bert-choice", "The cat sat.") + ", foil: runner-up, faithfulness: true, orders: 10, beam: 0}"
    result = explain(asked, dtype="float64").examples[0]
    model, map_ = plain("bert-choice", families), result.maps[result.headline]
    assert map_.target.foil is not None
    assert result.evidence is not None
    assert result.evidence.faithfulness is not None
    joint = result.encodings[map_.encoding]
    words = ordinary(joint, len(joint.tokens))
    order = sorted(words, key=lambda i: -measured(map_.word_scores["l2"])[i])

    def shown(encoding: int, word: int) -> tuple[str, str, int | None, int | None]:
        own = result.encodings[encoding]
        found = own.words[word]
        assert found.segment is not None
        segment = own.segments[found.segment]
        return segment.name, segment.text, found.start, found.end

    def without(gone: Sequence[int]) -> float:
        places = {shown(map_.encoding, i) for i in gone}
        scores = []
        for choice in (map_.target.index, map_.target.foil_index):
            assert choice is not None
            own = result.encodings[choice]
            tokens = [
                token
                for i, word in enumerate(own.words)
                if not word.special and shown(choice, i) in places
                for token in word.tokens
            ]
            edits = dict.fromkeys(tokens, model.tokenizer.mask_token_id)
            scores.append(model.score(result, result.maps[choice], edits))
        return scores[0] - scores[1]

    deletion = [without(order[:k]) for k in range(len(order) + 1)]
    assert result.evidence.faithfulness.rankings[0].deletion == pytest.approx(deletion, rel=1e-6, abs=1e-9)
    assert deletion[0] == pytest.approx(map_.target.score, rel=1e-6)


def test_a_span_keeps_its_own_tokens(explain: Explain, families: Path) -> None:
    """Of a span of three tokens two are in its own input; only the prompt's words may go."""
    asked = example("llama", "The cat sat on the") + ", target: whole, faithfulness: true, methods: occlusion}"
    result = explain(asked, dtype="float64").examples[0]
    model, map_ = plain("llama", families), map_of(result, "occlusion")
    assert result.evidence is not None
    assert result.evidence.faithfulness is not None
    encoding, target = result.encodings[0], map_.target
    assert target.first is not None
    assert target.position is not None
    assert target.position > target.first

    def score(gone: Sequence[int]) -> float:
        assert target.first is not None
        ids = [token.id for i, token in enumerate(encoding.tokens[: target.position]) if i not in gone]
        spoken = [token.id for token in encoding.tokens[target.first : (target.position or 0) + 1]]
        with torch.no_grad():
            logits = model.model(input_ids=torch.tensor([ids])).logits[0].log_softmax(dim=-1)
        return float(sum(logits[-len(spoken) + i, token] for i, token in enumerate(spoken)))

    for word, drop in zip(encoding.words, map_.word_scores["drop"], strict=False):
        free = not word.special and word.tokens[-1] < target.first
        assert drop == (pytest.approx(score([]) - score(word.tokens), rel=1e-6) if free else None)
    prompt = [i for word in encoding.words if not word.special for i in word.tokens if i < target.first]
    tests = result.evidence.faithfulness
    assert tests.grid == [0, 1, 2, 3, 4, 5]
    assert tests.score == pytest.approx(score([]), rel=1e-6) == pytest.approx(target.score, rel=1e-6)
    assert tests.empty_score == pytest.approx(score(prompt), rel=1e-6)


@pytest.mark.parametrize("family", ["bert", "gpt2-classifier", "llama", "bert-choice"])
def test_a_flip_is_foretold_by_the_gradient_and_tried_out(family: str, explain: Explain, families: Path) -> None:
    result = explain(example(family) + ", flips: 2}", dtype="float64").examples[0]
    model, map_ = plain(family, families), result.maps[result.headline]
    assert result.evidence is not None
    direction = result.evidence.direction
    assert direction is not None
    ids, gradient = model.ids(result, map_), model.gradient(result, map_)
    x, encoding = model.embed(ids), result.encodings[map_.encoding]
    words = ordinary(encoding, len(ids))
    strongest = sorted(words, key=lambda i: -measured(map_.word_scores["l2"])[i])[:2]
    assert list(dict.fromkeys(flip.word for flip in direction.flips)) == strongest
    assert len(direction.flips) == 12
    score = model.score(result, map_)
    matrix = model.embed(list(range(len(model.tokenizer))))
    for flip in direction.flips:
        inside = [i for i in encoding.words[flip.word].tokens if i < len(ids)]
        assert flip.position == max(inside, key=lambda i: float(gradient[i].norm()))
        predicted = float(gradient[flip.position] @ (matrix[flip.new_id] - x[flip.position]))
        assert flip.predicted == pytest.approx(predicted, rel=1e-6)
        assert flip.actual == pytest.approx(
            model.score(result, map_, {flip.position: flip.new_id}) - score, rel=1e-6, abs=1e-9
        )
        assert flip.new_id not in {*model.tokenizer.all_special_ids, ids[flip.position]}
    if family == "bert-choice":
        assert [direction.answer, *(flip.answer for flip in direction.flips)] == [None] * 13
    else:
        edits = [{}, *({flip.position: flip.new_id} for flip in direction.flips)]
        found = [model.likeliest(result, map_, edit) for edit in edits]
        assert [direction.answer, *(flip.answer for flip in direction.flips)] == found
    for word in strongest:  # no other token promises more
        own = [flip for flip in direction.flips if flip.word == word]
        changes = (matrix - x[own[0].position]) @ gradient[own[0].position]
        allowed = [i for i in range(len(matrix)) if i not in {*model.tokenizer.all_special_ids, ids[own[0].position]}]
        ranked = sorted(allowed, key=lambda i: float(changes[i]))
        assert [flip.new_id for flip in own] == [*ranked[:-4:-1], *ranked[:3]]
    assert direction.agreeing == sum(flip.predicted * flip.actual > 0 for flip in direction.flips)
    cosine = (gradient * x).sum(dim=-1) / (gradient.norm(dim=-1) * x.norm(dim=-1))
    assert direction.cosine == pytest.approx(cosine.tolist(), rel=1e-6, abs=1e-9)


def test_most_flips_of_a_trained_model_go_where_the_gradient_points(explain: Explain, families: Path) -> None:
    text = "defaults: {task: text-classification, flips: 3}\nexamples:\n"
    results = explain(text + "".join(f"- {{text: '{sentence}'}}\n" for sentence in SENTENCES[:10])).examples
    model = plain("embedded", families, "float32")
    agreeing = count = 0
    for result in results:
        assert result.evidence is not None
        direction = result.evidence.direction
        assert direction is not None
        agreeing += direction.agreeing
        count += len(direction.flips)
        flip, map_ = direction.flips[0], result.maps[0]
        change = model.score(result, map_, {flip.position: flip.new_id}) - model.score(result, map_)
        assert flip.actual == pytest.approx(change, rel=1e-3, abs=1e-5)
    assert count == 180
    assert agreeing / count > 0.5
