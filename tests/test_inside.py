"""What is inside a model, against central differences; weights drawn anew, and given back as they were."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from torch import Tensor, nn
from transformers import LlamaConfig, LlamaForCausalLM

import tiny
from records import measured
from saliency_report import engine
from saliency_report.attention import gradient_x_attention, rollout
from saliency_report.engine import Job
from saliency_report.engine.inside import attention_maps, attentions, layers
from saliency_report.engine.randomise import _stages, randomised
from saliency_report.errors import ExampleError
from saliency_report.models import Loaded, load
from saliency_report.sources import Request
from saliency_report.tasks.encoding import Row
from saliency_report.tasks.target import TargetFunction, of_row
from test_engine import Float64

TEXT = "A naïve café in Zürich served crème brûlée."
FAMILIES = ["bert", "distilbert", "roberta", "gpt2-classifier", "llama-classifier", "gpt2", "llama"]
EVERY = [*FAMILIES, *tiny.CHOICE, "fnet"]
Mode = Literal["all", "cascading"]


def _load(family: str, families: Path, dtype: str = "float64") -> Loaded:
    task = "text-generation" if family in tiny.CAUSAL else "text-classification"
    task = "multiple-choice" if family in tiny.CHOICE else task
    return load(Request(task, family, None, dtype, False, False), torch.device("cpu"), families)


def _row(loaded: Loaded, text: str = TEXT) -> Row:
    output = loaded.checkpoint.tokenizer(text)
    extra = {"token_type_ids": output["token_type_ids"]} if "token_type_ids" in output else {}
    return Row(list(output["input_ids"]), {name: list(values) for name, values in extra.items()})


def _function(loaded: Loaded, family: str) -> TargetFunction:
    """Class 1; of a causal model, what follows the token before the last two plus half of what follows all."""
    row = _row(loaded)
    if family not in tiny.CAUSAL:
        return of_row(row, lambda logits: logits[:, 1])
    p = len(row)
    return TargetFunction([row], [range(p)], lambda logits: logits[:, 0, 7] + logits[:, 1, 8] / 2, (p - 2, p))


def _choice(loaded: Loaded) -> TargetFunction:
    """The second of two choices minus the first; they share their first five tokens."""
    one, two = _row(loaded, "The cat sat on the bad movie."), _row(loaded, "The cat sat on the bad")
    shared = 5
    two = Row([*one.ids[:shared], *two.ids[shared:-3]], {n: [0] * (len(two) - 3) for n in two.extra})
    places = [range(len(one)), [*range(shared), *range(len(one), len(one) + len(two) - shared)]]
    return TargetFunction([one, two], places, lambda logits: logits[:, 1, 0] - logits[:, 0, 0])


def _score(loaded: Loaded, function: TargetFunction) -> float:
    with Float64():
        scores, _ = engine.evaluate(loaded, [Job(function)], gradient=False)
    return float(scores)


@contextmanager
def _pushed(module: nn.Module, push: Tensor) -> Iterator[None]:
    """Inside, the module's output is moved by `push`."""

    def move(module: nn.Module, args: tuple[Any, ...], output: Any) -> Any:
        return (output[0] + push, *output[1:]) if isinstance(output, tuple) else output + push

    handle = module.register_forward_hook(move)
    try:
        yield
    finally:
        handle.remove()


_STATES: dict[str, Callable[[Any], list[nn.Module]]] = {
    "bert": lambda m: [m.bert.embeddings, *m.bert.encoder.layer],
    "gpt2": lambda m: [m.transformer.drop, m.transformer.h[0], m.transformer.ln_f],
    "llama": lambda m: [m.model.embed_tokens, m.model.layers[0], m.model.norm],
}


@pytest.mark.parametrize("family", list(_STATES))
def test_the_gradient_at_a_layer_is_central_differences(family: str, families: Path) -> None:
    loaded = _load(family, families)
    function = _function(loaded, family)
    with Float64():
        found = layers(loaded, function)
    modules = _STATES[family](loaded.model)
    t, d = function.length, 16
    assert found.names == ["embeddings", "layer 1", "layer 2"]
    assert [len(values) for values in found.gradient_norm] == [t, t, t]
    for number, module in enumerate(modules):
        outputs: list[Any] = []
        handle = module.register_forward_hook(lambda module, args, output, to=outputs: to.append(output))
        _score(loaded, function)
        handle.remove()
        state = outputs[0][0] if isinstance(outputs[0], tuple) else outputs[0]
        for token in (0, 3, t - 1):
            differences = []
            for j in range(d):
                push = torch.zeros(1, t, d, dtype=torch.float64)
                push[0, token, j] = 1e-5
                with _pushed(module, push):
                    above = _score(loaded, function)
                with _pushed(module, -push):
                    below = _score(loaded, function)
                differences.append((above - below) / 2e-5)
            slope = torch.tensor(differences, dtype=torch.float64)
            assert found.gradient_norm[number][token] == pytest.approx(float(slope.norm()), rel=1e-6, abs=1e-9)
            product = float(slope @ state[0, token])
            assert found.gradient_x_activation[number][token] == pytest.approx(product, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("family", ["llama", "llama-classifier"])
def test_the_first_layer_of_a_model_that_adds_nothing_is_the_map(family: str, families: Path) -> None:
    loaded = _load(family, families)
    function = _function(loaded, family)
    _, (gradient,) = engine.evaluate(loaded, [Job(function)], gradient=True)
    found = layers(loaded, function)
    assert found.gradient_norm[0] == pytest.approx(gradient.norm(dim=-1).tolist(), rel=1e-12)
    x = engine.embed(loaded, function.rows[0].ids)
    assert found.gradient_x_activation[0] == pytest.approx((gradient * x).sum(dim=-1).tolist(), rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("family", FAMILIES)
def test_only_the_explained_position_counts_at_the_last_layer(family: str, families: Path) -> None:
    loaded = _load(family, families)
    function = _function(loaded, family)
    t = function.length
    read = {0} if family in ("bert", "distilbert", "roberta") else {t - 1}
    read = {t - 3, t - 1} if family in tiny.CAUSAL else read
    assert {i for i, norm in enumerate(layers(loaded, function).gradient_norm[-1]) if norm} == read
    (row,) = attentions(loaded, function)
    assert {i for i, weight in enumerate(row.weights.tolist()) if weight} == read
    assert float(row.weights.sum()) == pytest.approx(1, abs=1e-15)


@pytest.mark.parametrize("family", tiny.CHOICE)
def test_a_token_in_several_rows_has_the_rows_together(family: str, families: Path) -> None:
    loaded = _load(family, families)
    function = _choice(loaded)
    found = layers(loaded, function)
    # Each choice by itself: a row alone is no choice among several, but its logit is the same.
    rows, places = function.rows, function.places
    alone = [layers(loaded, of_row(row, lambda logits: logits[:, 0])) for row in rows]
    signs = [-1, 1]
    for number in range(3):
        for token in range(function.length):
            at = [(i, list(place).index(token)) for i, place in enumerate(places) if token in place]
            norm = sum(measured(alone[i].gradient_norm[number])[position] ** 2 for i, position in at) ** 0.5
            product = sum(signs[i] * measured(alone[i].gradient_x_activation[number])[position] for i, position in at)
            assert found.gradient_norm[number][token] == pytest.approx(norm, rel=1e-9)
            assert found.gradient_x_activation[number][token] == pytest.approx(product, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("family", tiny.CHOICE)
def test_the_attention_of_choices_is_shared_out_among_the_rows(family: str, families: Path) -> None:
    loaded = _load(family, families)
    function = _choice(loaded)
    rows = attentions(loaded, function)
    lengths = [len(row) for row in function.rows]
    assert lengths[0] != lengths[1]
    assert [row.weights.shape for row in rows] == [(t,) for t in lengths]
    for row, t in zip(rows, lengths, strict=True):
        assert [layer.shape for layer in [*row.attention, *row.gradient]] == [(2, t, t)] * 4
        assert 0.05 < float(row.weights.sum()) < 0.95
    for row, alone, sign in zip(rows, function.rows, (-1, 1), strict=True):
        (single,) = attentions(loaded, of_row(alone, lambda logits: logits[:, 0]))
        torch.testing.assert_close(row.weights / row.weights.sum(), single.weights, rtol=1e-6, atol=1e-12)
        for one, two in zip(row.attention, single.attention, strict=True):
            torch.testing.assert_close(one, two, rtol=1e-5, atol=1e-9)
        for one, two in zip(row.gradient, single.gradient, strict=True):
            torch.testing.assert_close(sign * one, two, rtol=1e-4, atol=1e-8)
    found = attention_maps(loaded, function)
    assert list(found) == ["attention_rollout", "gradient_x_attention"]
    assert float(found["attention_rollout"].sum()) == pytest.approx(1, abs=1e-7)
    maps = {
        "attention_rollout": [rollout(row.attention, row.weights) for row in rows],
        "gradient_x_attention": [gradient_x_attention(row.attention, row.gradient, row.weights) for row in rows],
    }
    for name, of_rows in maps.items():
        expected = torch.zeros(function.length, dtype=torch.float64)
        for values, place in zip(of_rows, function.places, strict=True):
            for value, token in zip(values, place, strict=True):
                expected[token] += value
        torch.testing.assert_close(found[name], expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("family", FAMILIES)
def test_attention_sums_to_one_and_the_model_is_set_back(family: str, families: Path) -> None:
    loaded = _load(family, families)
    before = "eager" if family in tiny.CAUSAL else "sdpa"
    model: Any = loaded.model
    assert model.config._attn_implementation == before
    function = _function(loaded, family)
    with Float64():
        (row,) = attentions(loaded, function)
        found = attention_maps(loaded, function)
    t = function.length
    assert len(row.attention) == len(row.gradient) == 2
    for layer in row.attention:
        torch.testing.assert_close(layer.sum(dim=-1), torch.ones(2, t, dtype=torch.float64), rtol=1e-12, atol=0)
        if family in (*tiny.CAUSAL, "gpt2-classifier", "llama-classifier"):
            assert not layer.triu(1).any()
    assert float(found["attention_rollout"].sum()) == pytest.approx(1, abs=1e-12)
    assert bool((found["gradient_x_attention"] >= 0).all())
    assert bool(found["gradient_x_attention"].any())
    assert model.config._attn_implementation == before


def test_the_model_is_set_back_after_an_error(families: Path) -> None:
    loaded = _load("bert", families)
    model: Any = loaded.model

    def broken(logits: Tensor) -> Tensor:
        assert model.config._attn_implementation == "eager"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        attentions(loaded, of_row(_row(loaded), broken))
    assert model.config._attn_implementation == "sdpa"
    assert not model.get_input_embeddings()._forward_hooks


class _Pushed(Float64):
    """Moves one entry of one layer's attention, on its way from the softmax to the values."""

    def __init__(self, layer: int, entry: tuple[int, ...], push: float) -> None:
        super().__init__()
        self.layer, self.entry, self.move, self.seen = layer, entry, push, 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = super().__torch_function__(func, types, args, kwargs)
        if func is torch.nn.functional.softmax and output.dim() == 4:
            if self.seen == self.layer:
                output = output.clone()
                output[self.entry] += self.move
            self.seen += 1
        return output


@pytest.mark.parametrize("family", ["bert", "gpt2-classifier", "llama-classifier", "gpt2", "llama"])
def test_the_gradient_at_an_attention_is_central_differences(family: str, families: Path) -> None:
    loaded = _load(family, families)
    function = _function(loaded, family)
    with Float64():
        (row,) = attentions(loaded, function)
    model: Any = loaded.model
    model.set_attn_implementation("eager")
    t = function.length
    for layer, head, query, key in ((0, 1, t - 2, 2), (0, 0, t - 1, 3), (1, 1, 0, 0), (1, 0, t - 1, t - 2)):
        values = []
        for push in (1e-5, -1e-5):
            with _Pushed(layer, (0, head, query, key), push) as mode:
                values.append(float(engine.evaluate(loaded, [Job(function)], gradient=False)[0]))
            assert mode.seen == 2
        difference = (values[0] - values[1]) / 2e-5
        assert float(row.gradient[layer][head, query, key]) == pytest.approx(difference, rel=1e-6, abs=1e-9)


def test_a_model_without_attention_is_refused(families: Path) -> None:
    loaded = _load("fnet", families)
    with pytest.raises(ExampleError) as caught:
        attention_maps(loaded, _function(loaded, "fnet"))
    assert str(caught.value) == (
        "The model gives no attention weights. Leave attention_rollout and gradient_x_attention out for this model."
    )
    assert len(layers(loaded, _function(loaded, "fnet")).names) == 3


def test_hidden_states_that_are_copies_are_refused(families: Path) -> None:
    loaded = _load("bert", families)
    model: Any = loaded.model
    forward = model.forward

    def copying(**inputs: Any) -> Any:
        output = forward(**inputs)
        output.hidden_states = tuple(state * 1 for state in output.hidden_states)
        return output

    model.forward = copying
    with pytest.raises(ExampleError) as caught:
        layers(loaded, _function(loaded, "bert"))
    assert str(caught.value) == (
        "What the model shows of its inside is a copy: its answer does not depend on it. "
        "Leave `layers` out for this model."
    )


def test_hidden_states_of_fewer_positions_are_refused(families: Path) -> None:
    loaded = _load("bert", families)
    model: Any = loaded.model
    forward = model.forward

    def shortening(**inputs: Any) -> Any:
        output = forward(**inputs)
        output.hidden_states = tuple(state[:, ::2] for state in output.hidden_states)
        return output

    model.forward = shortening
    with pytest.raises(ExampleError, match=r"^The model gives no hidden states of all tokens\. Leave `layers` out"):
        layers(loaded, _function(loaded, "bert"))


@pytest.mark.parametrize("look", [layers, attention_maps])
def test_a_gradient_that_overflows_is_an_error(look: Callable[..., Any], families: Path) -> None:
    loaded = _load("bert", families, "float32")
    function = of_row(_row(loaded), lambda logits: (logits[:, 1] - logits[:, 1].detach()) * 3e38 * 1e4)
    with pytest.raises(ExampleError, match=r"^A number is not finite: the model overflows on this text\."):
        look(loaded, function)


def _state(loaded: Loaded) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in loaded.model.state_dict(keep_vars=False).items()}


def _same(one: dict[str, Tensor], two: dict[str, Tensor]) -> bool:
    return one.keys() == two.keys() and all(
        torch.equal(one[name].view(torch.uint8), two[name].view(torch.uint8)) for name in one
    )


def _disturb(loaded: Loaded) -> None:
    """Vectors as after training: norms and biases are no longer what they were drawn as."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in loaded.model.parameters():
            if parameter.dim() < 2:
                parameter.add_(torch.rand(parameter.shape, generator=generator, dtype=torch.float64))


@pytest.mark.parametrize("mode", ["all", "cascading"])
@pytest.mark.parametrize("family", EVERY)
def test_every_weight_is_drawn_anew_and_given_back(family: str, mode: Mode, families: Path) -> None:
    loaded = _load(family, families)
    _disturb(loaded)
    before, own = _state(loaded), list(loaded.model.parameters())
    total = sum(p.numel() for p in own)
    with randomised(loaded, mode, 0) as stages:
        assert _same(_state(loaded), before), "nothing changes before the first stage"
        last, counts = before, [0]
        for _, count in stages:
            now = _state(loaded)
            changed = [name for name in now if not torch.equal(now[name], last[name])]
            different = sum(p.numel() for n, p in loaded.model.named_parameters() if n in changed)
            assert different == count - counts[-1] > 0, "a stage changes what it says, and leaves the rest"
            assert all(bool(value.isfinite().all()) for value in now.values())
            last = now
            counts.append(count)
        assert counts[-1] == total
        for name, parameter in loaded.model.named_parameters():
            assert not torch.equal(parameter, before[name]), name
            assert not parameter.requires_grad
    assert _same(_state(loaded), before)
    assert all(one is two for one, two in zip(own, loaded.model.parameters(), strict=True))


@pytest.mark.parametrize(
    ("family", "names", "head"),
    [
        ("bert", ["head", "layer 2", "layer 1", "embeddings"], {"bert.pooler.dense.weight", "classifier.weight"}),
        ("distilbert", ["head", "layer 2", "layer 1", "embeddings"], {"pre_classifier.weight", "classifier.weight"}),
        ("llama-classifier", ["head", "layer 2", "layer 1", "embeddings"], {"model.norm.weight", "score.weight"}),
        ("gpt2", ["head", "layer 2", "layer 1", "embeddings"], {"transformer.ln_f.weight"}),
        ("llama", ["head", "layer 2", "layer 1", "embeddings"], {"model.norm.weight", "lm_head.weight"}),
    ],
)
def test_a_cascade_goes_from_the_output_to_the_embeddings(
    family: str, names: list[str], head: set[str], families: Path
) -> None:
    loaded = _load(family, families)
    _disturb(loaded)
    before, changed = _state(loaded), []
    with randomised(loaded, "cascading", 0) as stages:
        seen = []
        for name, _ in stages:
            seen.append(name)
            now = _state(loaded)
            changed.append({n for n in now if n.endswith("weight") and not torch.equal(now[n], before[n])})
    assert seen == names
    assert changed[0] == head
    assert {n for n in changed[1] - changed[0] if ".1." not in n} == set()
    assert {n for n in changed[2] - changed[1] if ".0." not in n} == set()
    words = {"bert": "word_embeddings", "distilbert": "word_embeddings", "gpt2": "wte"}.get(family, "embed_tokens")
    assert any(words in name for name in changed[3] - changed[2])


def test_weights_that_the_head_and_the_embeddings_share_come_last(families: Path) -> None:
    loaded = _load("gpt2", families)
    model: Any = loaded.model
    assert model.lm_head.weight is model.transformer.wte.weight
    trained = model.lm_head.weight.clone()
    with randomised(loaded, "cascading", 0) as stages:
        for name, _ in stages:
            assert model.lm_head.weight is model.transformer.wte.weight
            assert torch.equal(model.lm_head.weight, trained) == (name != "embeddings")
    assert model.lm_head.weight is model.transformer.wte.weight


def test_a_cascade_ends_where_all_at_once_does_and_the_seed_decides(families: Path) -> None:
    loaded = _load("bert", families)
    ends = {}
    modes: list[tuple[Mode, int]] = [("all", 3), ("cascading", 3), ("all", 4)]
    for mode, seed in modes:
        torch.manual_seed(seed * 7 + len(mode))  # the global generator does not matter
        with randomised(loaded, mode, seed) as stages:
            list(stages)
            ends[mode, seed] = _state(loaded)
    assert _same(ends["all", 3], ends["cascading", 3])
    assert not _same(ends["all", 3], ends["all", 4])


def test_the_global_generator_is_left_alone(families: Path) -> None:
    loaded = _load("bert", families)
    before = torch.get_rng_state()
    with randomised(loaded, "all", 5) as stages:
        list(stages)
        assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("family", ["bert", "gpt2"])
def test_weights_come_back_after_an_error(family: str, families: Path) -> None:
    loaded = _load(family, families)
    before = _state(loaded)

    def broken() -> None:
        with randomised(loaded, "cascading", 0) as stages:
            next(stages)
            next(stages)
            assert not _same(_state(loaded), before)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    assert _same(_state(loaded), before)


def test_weights_come_back_after_an_error_in_the_initialiser(families: Path) -> None:
    loaded = _load("bert", families)
    before = _state(loaded)
    model: Any = loaded.model

    def broken(module: nn.Module) -> None:
        if isinstance(module, nn.LayerNorm):
            raise ZeroDivisionError

    model._init_weights = broken
    model.bert._init_weights = broken
    with pytest.raises(ZeroDivisionError), randomised(loaded, "all", 0):
        pass
    assert _same(_state(loaded), before)


def test_weights_follow_the_models_own_rule(families: Path) -> None:
    loaded = _load("bert", families)
    _disturb(loaded)
    model: Any = loaded.model
    with randomised(loaded, "all", 0) as stages:
        list(stages)
        assert model.bert.embeddings.LayerNorm.weight.tolist() == [1] * 16
        assert model.classifier.bias.tolist() == [0] * 3
        words = model.bert.embeddings.word_embeddings.weight
        assert float(words.std()) == pytest.approx(model.config.initializer_range, rel=0.05)
        assert not words[0].any(), "the row of padding"
        score, (gradient,) = engine.evaluate(loaded, [Job(_function(loaded, "bert"))], gradient=True)
        assert bool(gradient.isfinite().all())
    assert float(score) != float(engine.evaluate(loaded, [Job(_function(loaded, "bert"))], gradient=False)[0])


def test_what_has_no_rule_is_drawn_all_the_same(families: Path) -> None:
    loaded = _load("bert", families)
    _disturb(loaded)
    model: Any = loaded.model
    model._init_weights = model.bert._init_weights = lambda module: None
    with randomised(loaded, "all", 0) as stages:
        list(stages)
        weight = model.bert.encoder.layer[0].intermediate.dense.weight
        assert float(weight.std()) == pytest.approx(0.02, rel=0.15)
        assert model.bert.encoder.layer[0].output.LayerNorm.weight.tolist() == [1] * 16
        assert not model.bert.encoder.layer[0].intermediate.dense.bias.any()


@pytest.mark.parametrize(
    ("family", "owner", "name"),
    [("llama", "model.rotary_emb", "inv_freq"), ("bert", "bert.embeddings", "token_type_ids")],
)
def test_buffers_stay(family: str, owner: str, name: str, families: Path) -> None:
    loaded = _load(family, families)
    buffer: Tensor = getattr(loaded.model.get_submodule(owner), name)
    buffer.add_(1)  # something that no initialiser would write
    before = buffer.clone()
    with randomised(loaded, "all", 0) as stages:
        list(stages)
        assert torch.equal(getattr(loaded.model.get_submodule(owner), name), before)
    assert getattr(loaded.model.get_submodule(owner), name) is buffer
    assert torch.equal(buffer, before)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("family", ["bert", "llama"])
def test_half_precision(family: str, dtype: str, families: Path) -> None:
    loaded, exact = _load(family, families, dtype), _load(family, families)
    function = _function(loaded, family)
    close = 0.05 if dtype == "bfloat16" else 0.01
    for name, values in attention_maps(loaded, function).items():
        expected = attention_maps(exact, function)[name].float()
        assert values.dtype == torch.float32
        assert float((values - expected).norm() / expected.norm()) < close
    for got, wanted in zip(layers(loaded, function).gradient_norm, layers(exact, function).gradient_norm, strict=True):
        one, two = torch.tensor(got), torch.tensor(wanted)
        assert float((one - two).norm() / two.norm()) < close
    before = _state(loaded)
    with randomised(loaded, "all", 0) as stages:
        list(stages)
        assert loaded.model.dtype == getattr(torch, dtype)
        assert all(bool(p.isfinite().all()) for p in loaded.model.parameters())
        assert not _same(_state(loaded), before)
    assert _same(_state(loaded), before)


def test_deep_models_have_at_most_eight_stages(tmp_path: Path) -> None:
    config = LlamaConfig(
        vocab_size=20,
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=30,
        num_attention_heads=1,
        tie_word_embeddings=True,
    )
    loaded = _load_from(LlamaForCausalLM(config))
    with randomised(loaded, "cascading", 0) as stages:
        names = [name for name, _ in stages]
    assert names == [
        "head",
        *("layers 26–30", "layers 21–25", "layers 16–20", "layers 11–15", "layers 6–10", "layers 1–5"),
        "embeddings",
    ]


def _load_from(model: Any) -> Loaded:
    return Loaded(model.eval().requires_grad_(False), None, None, 0, frozenset(), 0)  # type: ignore[arg-type]


class _Xlm(nn.Module):
    """A model in the manner of XLM: a table, then the parts of its layers in lists side by side, then a head."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(5, 3)
        self.attentions = nn.ModuleList(nn.Linear(3, 3) for _ in range(2))
        self.norms = nn.ModuleList(nn.LayerNorm(3) for _ in range(2))
        self.relative = nn.Embedding(4, 3)
        self.head = nn.Linear(3, 2)

    def get_input_embeddings(self) -> nn.Module:
        return self.words


def test_lists_side_by_side_are_parts_of_one_layer() -> None:
    model = _Xlm()
    found = {name: {id(p) for p in part} for name, part in _stages(model)}
    expected: dict[str, list[Any]] = {
        "head": [model.head],
        "layer 2": [model.attentions[1], model.norms[1]],
        "layer 1": [model.attentions[0], model.norms[0]],
        "embeddings": [model.words, model.relative],
    }
    assert list(found) == list(expected)
    for name, modules in expected.items():
        assert found[name] == {id(p) for module in modules for p in module.parameters()}


def test_quantised_weights_are_refused(families: Path) -> None:
    loaded = _load("bert", families)
    model: Any = loaded.model
    model.classifier.weight = nn.Parameter(torch.ones(3, 16, dtype=torch.int8), requires_grad=False)
    with (
        pytest.raises(ExampleError, match=r"^Quantised weights cannot be drawn anew\. Leave `randomisation` out"),
        randomised(loaded, "all", 0),
    ):
        pass
