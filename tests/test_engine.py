"""The gradients against mathematics: central differences, captum, one backward a token, the same example alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from captum.attr import LayerGradientXActivation, Saliency
from torch import Tensor
from torch.overrides import TorchFunctionMode

import tiny
from saliency_report import engine
from saliency_report.aggregation import token_scores
from saliency_report.engine import Job, forward
from saliency_report.engine.forward import attention, embeddings_as_leaf
from saliency_report.errors import ExampleError, InputError
from saliency_report.models import Loaded, load
from saliency_report.sources import Request
from saliency_report.tasks.encoding import Row
from saliency_report.tasks.target import TargetFunction

TEXTS = ["The cat sat.", "A naïve café in Zürich served crème brûlée.", "She didn't like it; he loved it! It was bad."]
CPU = torch.device("cpu")


class Float64(TorchFunctionMode):
    """Keeps float64 where a model rounds to float32 on its way, as RMSNorm and softmax of Llama do.

    Such rounding leaves 1e-7 of noise in F, and a difference quotient with a step of 1e-5 then cannot be right to more
    than 1e-2, whatever the gradient is.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if args and isinstance(args[0], Tensor) and args[0].dtype == torch.float64:
            if func is Tensor.float or (func is Tensor.to and args[1:] == (torch.float32,)):
                return args[0]
            if kwargs.get("dtype") == torch.float32:
                kwargs = {**kwargs, "dtype": torch.float64}
        return func(*args, **kwargs)


def _task(family: str) -> str:
    if family in tiny.CLASSIFIERS:
        return "text-classification"
    return "text-generation" if family in tiny.CAUSAL else "multiple-choice"


def _load(family: str, families: Path, dtype: str = "float32") -> Loaded:
    return load(Request(_task(family), family, None, dtype, False, False), CPU, families)


def _rows(loaded: Loaded, texts: list[str] = TEXTS) -> list[Row]:
    tokenizer: Any = loaded.checkpoint.tokenizer
    rows = []
    for text in texts:
        output = tokenizer(text)
        extra = {"token_type_ids": output["token_type_ids"]} if "token_type_ids" in output else {}
        rows.append(Row(output["input_ids"], extra))
    return rows


def _first_logit(logits: Tensor) -> Tensor:
    """Classifiers: the logit of class 0 of each row. Choices: the logit of each row."""
    return logits.reshape(-1) if logits.shape[0] == 1 else logits[:, 0]


def _score(loaded: Loaded, row: Row, points: Tensor, groups: int | None) -> float:
    """F at embeddings (t, d): the model run with the points in the place of its embeddings."""
    model: Any = loaded.model

    def replace(module: torch.nn.Module, args: tuple[Any, ...], output: Tensor) -> Tensor:
        return points[None]

    handle = model.get_input_embeddings().register_forward_hook(replace)
    try:
        with torch.no_grad(), Float64():
            return float(model(**engine.collate([row], loaded, groups)).logits.flatten()[0])
    finally:
        handle.remove()


@pytest.mark.parametrize("family", [*tiny.CLASSIFIERS, *tiny.CHOICE])
def test_gradients_are_central_differences(family: str, families: Path) -> None:
    loaded = _load(family, families, "float64")
    row = _rows(loaded)[1]
    groups = 1 if family in tiny.CHOICE else None
    with Float64():
        got = engine.gradients(loaded, [row], lambda logits: logits.flatten()[:1], groups)
    generator = torch.Generator().manual_seed(3)
    for _ in range(5):
        direction = torch.randn(got.embeddings[0].shape, generator=generator, dtype=torch.float64)
        step = 1e-5 * direction
        difference = (
            _score(loaded, row, got.embeddings[0] + step, groups)
            - _score(loaded, row, got.embeddings[0] - step, groups)
        ) / 2e-5
        assert float((got.gradients[0].values * direction).sum()) == pytest.approx(difference, rel=1e-5)


@pytest.mark.parametrize("family", [*tiny.CLASSIFIERS, *tiny.CHOICE])
def test_a_mixed_batch_equals_each_alone(family: str, families: Path) -> None:
    loaded = _load(family, families, "float64")
    rows = _rows(loaded)
    assert len({len(row) for row in rows}) == 3
    choice = family in tiny.CHOICE
    together = engine.gradients(loaded, rows, _first_logit, 1 if choice else None)
    for i, row in enumerate(rows):
        alone = engine.gradients(loaded, [row], lambda logits: logits.flatten()[:1], 1 if choice else None)
        own, alone_of_it = together.gradients[i], alone.gradients[0]
        torch.testing.assert_close(own.values, alone_of_it.values, rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(own.scores, alone_of_it.scores, rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(own.scores, token_scores(own.values, together.embeddings[i]), rtol=0, atol=0)
        torch.testing.assert_close(together.logits.reshape(3, -1)[i], alone.logits.flatten(), rtol=1e-9, atol=1e-12)


# captum warns that integer ids take no gradients, which is why the layer is attributed.
@pytest.mark.filterwarnings("ignore:Input Tensor 0:UserWarning")
@pytest.mark.parametrize("batch", ["alone", "mixed"])
@pytest.mark.parametrize("family", [*tiny.CLASSIFIERS, *tiny.CHOICE])
def test_captum_agrees(family: str, batch: str, families: Path) -> None:
    loaded = _load(family, families)
    model: Any = loaded.model
    rows = _rows(loaded) if batch == "mixed" else _rows(loaded)[1:2]
    groups = 1 if family in tiny.CHOICE else None
    got = engine.gradients(loaded, rows, lambda logits: logits.reshape(len(rows), -1)[:, 0], groups)
    inputs = engine.collate(rows, loaded, groups)
    ids = inputs.pop("input_ids")

    def forward(given: Tensor) -> Tensor:
        logits: Tensor = model(input_ids=given.reshape(ids.shape), **inputs).logits
        return logits.reshape(len(rows), -1)[:, 0]

    layer = LayerGradientXActivation(forward, model.get_input_embeddings())
    product = layer.attribute(ids.reshape(len(rows), -1)).detach()

    def from_points(points: Tensor) -> Tensor:
        handle = model.get_input_embeddings().register_forward_hook(lambda module, args, output: points)
        try:
            return forward(ids)
        finally:
            handle.remove()

    points = model.get_input_embeddings()(ids.reshape(len(rows), -1)).detach()
    magnitude = Saliency(from_points).attribute(points, abs=True).detach()
    for i, row in enumerate(rows):
        ours = got.gradients[i].values
        assert _relative(ours.abs(), magnitude[i, : len(row)]) < 1e-4
        assert _relative(ours * got.embeddings[i], product[i, : len(row)]) < 1e-4


def _relative(ours: Tensor, theirs: Tensor) -> float:
    return float((ours - theirs).norm() / theirs.norm())


def _each(row: Row, first: int) -> tuple[list[tuple[int, int]], Callable[[Tensor], Tensor]]:
    """A span a token, from `first` on, and the logit of each."""
    positions = [*range(first, len(row))]
    return [(p, p) for p in positions], lambda logits: logits[range(len(positions)), row.ids[first:]]


@pytest.mark.parametrize("budget", [10_000, 1])
@pytest.mark.parametrize("family", tiny.CAUSAL)
def test_the_matrix_is_one_backward_a_token(family: str, budget: int, families: Path) -> None:
    loaded = _load(family, families, "float64")
    row, first = _rows(loaded)[1], 9
    spans, chosen = _each(row, first)
    with Float64():  # eager attention makes its softmax in float32 otherwise
        logits, embeddings, found = engine.matrix(loaded, row, spans, chosen, budget)
        got = torch.stack([slopes.values for slopes in found])
    assert got.shape == (len(row) - first, len(row), 16)
    for i, position in enumerate(range(first, len(row))):
        way = "sdpa" if budget == 1 else "eager"  # that of rows that go alone is fused
        with Float64(), embeddings_as_leaf(loaded.model) as leaves, attention(loaded.model, way):
            whole = loaded.model(**engine.collate([row], loaded)).logits[0]
        (expected,) = torch.autograd.grad(whole[position - 1, row.ids[position]], leaves[0])
        torch.testing.assert_close(got[i], expected[0], rtol=1e-10, atol=1e-13)
        torch.testing.assert_close(logits[i], whole[position - 1].detach(), rtol=1e-10, atol=1e-13)
        assert not got[i, position:].any(), "a token must not depend on later ones"
    torch.testing.assert_close(embeddings, leaves[0][0].detach())


@pytest.mark.parametrize(("budget", "kept"), [(10_000, True), (1, False)])
def test_of_a_long_text_no_attention_between_all_tokens_is_kept(budget: int, kept: bool, families: Path) -> None:
    """It would grow with the square of the length: 9 GB for 2,000 tokens of SmolLM2-135M."""
    loaded = _load("llama", families)
    model: Any = loaded.model
    row, squares = _rows(loaded)[1], list[bool]()

    def noted(tensor: Tensor) -> Tensor:
        squares.append(tensor.shape[-2:] == (len(row), len(row)))
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(noted, lambda tensor: tensor):
        engine.matrix(loaded, row, *_each(row, 9), budget)
    assert any(squares) == kept
    assert model.config._attn_implementation == "eager"


@pytest.mark.parametrize("family", tiny.CAUSAL)
def test_the_matrix_is_central_differences(family: str, families: Path) -> None:
    loaded = _load(family, families, "float64")
    model: Any = loaded.model
    row, first = _rows(loaded)[0], 2
    with Float64():
        _, embeddings, found = engine.matrix(loaded, row, *_each(row, first), 10_000)
        gradients = torch.stack([slopes.values for slopes in found])
    generator = torch.Generator().manual_seed(5)
    direction = torch.randn(embeddings.shape, generator=generator, dtype=torch.float64)

    def scores(points: Tensor) -> Tensor:
        handle = model.get_input_embeddings().register_forward_hook(lambda module, args, output: points[None])
        try:
            with torch.no_grad(), Float64():
                logits = model(**engine.collate([row], loaded)).logits[0]
        finally:
            handle.remove()
        return torch.stack([logits[p - 1, row.ids[p]] for p in range(first, len(row))])

    difference = (scores(embeddings + 1e-5 * direction) - scores(embeddings - 1e-5 * direction)) / 2e-5
    torch.testing.assert_close((gradients * direction).sum(dim=(1, 2)), difference, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("family", tiny.CAUSAL)
def test_generation_is_the_argmax_at_every_step(family: str, families: Path) -> None:
    loaded = _load(family, families)
    row = _rows(loaded)[0]
    new = engine.generate(loaded, row, 6)
    ids = list(row.ids)
    for token in new:
        with torch.no_grad():
            logits = loaded.model(input_ids=torch.tensor([ids])).logits[0, -1]
        assert token == int(logits.argmax())
        ids.append(token)
    assert len(new) == 6


def test_generation_stops_before_the_token_that_ends_a_text(families: Path) -> None:
    loaded = _load("llama", families)
    row = _rows(loaded)[0]
    new = engine.generate(loaded, row, 6)
    model: Any = loaded.model
    model.generation_config.eos_token_id = [new[2], 339]
    first = new.index(new[2])
    assert engine.generate(loaded, row, 6) == new[:first]


@pytest.mark.parametrize("family", [*tiny.CLASSIFIERS, *tiny.CAUSAL])
def test_points_from_outside_give_the_same_logits(family: str, families: Path) -> None:
    loaded = _load(family, families)
    assert engine.check_equivalence(loaded, _rows(loaded)) < 1e-6


def test_a_model_that_changes_its_input_by_itself_is_refused(families: Path) -> None:
    loaded = _load("bert", families)
    model: Any = loaded.model
    embedding = model.get_input_embeddings()
    calls = 0

    def drift(module: torch.nn.Module, args: tuple[Any, ...], output: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        return output * (1 + calls)

    handle = embedding.register_forward_hook(drift)
    with pytest.raises(ExampleError, match=r"^Embeddings put in from outside give the model other logits, by \d"):
        engine.check_equivalence(loaded, _rows(loaded))
    handle.remove()


def test_a_word_that_is_looked_up_twice_moves_in_both_places(families: Path) -> None:
    loaded = _load("bert", families, "float64")
    model: Any = loaded.model
    embedding, layers = model.get_input_embeddings(), model.bert.encoder
    ids = engine.collate(_rows(loaded), loaded)["input_ids"]
    expected = engine.gradients(loaded, _rows(loaded), _first_logit)
    handle = layers.register_forward_pre_hook(lambda module, args: (args[0] + embedding(ids), *args[1:]))
    assert engine.check_equivalence(loaded, _rows(loaded)) < 1e-12
    got = engine.gradients(loaded, _rows(loaded), _first_logit)
    handle.remove()
    assert not torch.allclose(got.gradients[0].values, expected.gradients[0].values)


def test_a_model_that_looks_other_words_up_is_refused(families: Path) -> None:
    loaded = _load("bert", families)
    model: Any = loaded.model
    other = torch.full((3, 4), 7)
    handle = model.bert.encoder.register_forward_pre_hook(lambda *_: model.get_input_embeddings()(other) and None)
    with pytest.raises(ExampleError, match=r"^The model looks up other words than those of the text\."):
        engine.gradients(loaded, _rows(loaded), _first_logit)
    handle.remove()
    assert not model.get_input_embeddings()._forward_hooks, "the hook must be gone after an error"


def test_a_model_that_looks_no_words_up_is_refused(families: Path) -> None:
    loaded = _load("bert", families)
    model: Any = loaded.model
    fixed = engine.embed(loaded, [5, 6, 7])[None]
    model.bert.embeddings.forward = lambda **inputs: fixed
    with pytest.raises(ExampleError, match=r"^The model does not look up all that it is given\."):
        engine.gradients(loaded, [Row([5, 6, 7])], _first_logit)


def test_the_model_stays_frozen_in_eval_mode_and_without_hooks(families: Path) -> None:
    loaded = _load("bert", families)
    engine.gradients(loaded, _rows(loaded), _first_logit)
    assert not loaded.model.training
    for parameter in loaded.model.parameters():
        assert not parameter.requires_grad
        assert parameter.grad is None
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in loaded.model.modules())


@pytest.mark.parametrize(
    ("dtype", "used"),
    [("bfloat16", ["eager", "eager", "sdpa"]), ("float16", ["eager", "eager", "sdpa"]), ("float32", ["sdpa"] * 3)],
)
def test_half_precision_on_a_cpu_has_the_attention_whose_backward_is_fast_but_for_long_texts(
    dtype: str, used: list[str], families: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded, seen = _load("bert", families, dtype), list[str]()
    model: Any = loaded.model
    rows = sorted(_rows(loaded), key=len)
    monkeypatch.setattr(forward, "PLAIN_ATTENTION", len(rows[1]))
    model.register_forward_pre_hook(lambda *_: seen.append(model.config._attn_implementation))

    def found(of: Loaded) -> Tensor:
        return torch.cat([engine.gradients(of, [row], _first_logit).gradients[0].values for row in rows])

    own = found(loaded)
    assert seen == used
    assert model.config._attn_implementation == "sdpa"
    monkeypatch.setattr(forward, "PLAIN_ATTENTION", 0)
    fused, exact = found(loaded), found(_load("bert", families))
    assert float((own - exact).norm()) <= 2 * float((fused - exact).norm()), "random weights round so, 1.7"
    monkeypatch.undo()
    seen.clear()
    function = TargetFunction([rows[0]], [range(len(rows[0]))], lambda logits: logits[:, 0, 0])
    for sloped in (True, False):
        engine.evaluate(loaded, [Job(function)], gradient=sloped)
    assert seen == [used[0], "sdpa"], "a pass without a gradient has no backward"


@pytest.mark.parametrize(
    ("dtype", "padding", "shape", "neutral"),
    [
        ("float32", 0.05, 0.05, False),
        ("bfloat16", 0.05, 0.05, True),
        ("bfloat16", 0.05, 0.01, False),
        ("bfloat16", 0.3, 0.05, False),
    ],
)
def test_in_half_precision_what_any_other_shape_changes_is_not_put_down_to_padding(
    dtype: str,
    padding: float,
    shape: float,
    neutral: bool,
    families: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A GPU's kernels round by shape; here padding and copies move the logits by so much of the largest."""
    loaded = _load("bert", families, dtype)
    row = _rows(loaded)[0]

    def moved(output: Any) -> Tensor:
        plain: Tensor = output.logits
        return plain + (padding if output.padded else shape if len(plain) > 1 else 0.0) * plain.abs().max()

    def forward(**inputs: Tensor) -> Any:
        output = type(loaded.model).forward(loaded.model, **inputs)
        output.padded = inputs["input_ids"].shape[1] > len(row)
        return output

    monkeypatch.setattr(loaded.model, "forward", forward)
    monkeypatch.setattr("saliency_report.engine.checks.logits_of", moved)
    assert engine.padding_is_neutral(loaded, [row]) == neutral


def test_padding_is_on_the_right_and_masked(families: Path) -> None:
    loaded = _load("bert", families)
    inputs = engine.collate([Row([5, 6, 7], {"token_type_ids": [0, 0, 1]}), Row([8], {"token_type_ids": [1]})], loaded)
    assert inputs["input_ids"].tolist() == [[5, 6, 7], [8, 0, 0]]
    assert inputs["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]
    assert inputs["token_type_ids"].tolist() == [[0, 0, 1], [1, 0, 0]]


def test_inputs_that_the_model_does_not_know_are_left_out(families: Path) -> None:
    loaded = _load("distilbert", families)
    assert "token_type_ids" not in engine.collate(_rows(loaded), loaded)


def test_an_unknown_device_is_named() -> None:
    with pytest.raises(InputError, match=r"^--device tpu: there is no such device here. Use one of .*cpu.$"):
        engine.pick_device("tpu")
    assert engine.pick_device("cpu") == CPU


@pytest.mark.parametrize(
    ("error", "memory"),
    [
        (torch.OutOfMemoryError("CUDA out of memory."), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes."), True),
        (MemoryError(), True),
        (RuntimeError("shape mismatch"), False),
        (ValueError("not enough memory of it"), False),
    ],
)
def test_what_counts_as_out_of_memory(error: Exception, memory: bool) -> None:
    assert engine.is_out_of_memory(error) is memory
