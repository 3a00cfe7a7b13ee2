"""One architecture with one kind of head, tiny, random and in float64, through the engine's own doors."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import Any, Literal, cast

import torch
import transformers
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from transformers.models.auto import modeling_auto

from saliency_report import engine, record, scheduling
from saliency_report.analysis.maps import answered
from saliency_report.architectures import check_supported
from saliency_report.engine import Job
from saliency_report.engine.inside import attention_maps, layers
from saliency_report.engine.lookups import looked_up, tables
from saliency_report.errors import ExampleError
from saliency_report.methods import Options, Start, integrated_gradients
from saliency_report.models import Loaded, ready
from saliency_report.packing import Budget, Item, fitting
from saliency_report.tasks.base import Prepared
from saliency_report.tasks.encoding import Row
from saliency_report.tasks.target import TargetFunction
from saliency_report.worker import company_of
from small_configs import SPECIALS, VOCABULARY, tiny_config

LENGTHS = (9, 6, 13, 9)
READ, INDEX = 3, 1  # F of a head that answers at every token is one logit of this token
STEP = 1e-6


class Float64(TorchFunctionMode):
    """Keeps float64 where a model rounds to float32 on its way: central differences would see the rounding."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if args and isinstance(args[0], Tensor) and args[0].dtype == torch.float64:
            if func is Tensor.float or (func in (Tensor.to, Tensor.type) and args[1:] == (torch.float32,)):
                return args[0]
            if kwargs.get("dtype") == torch.float32:
                kwargs = {**kwargs, "dtype": torch.float64}
        return func(*args, **kwargs)


@contextmanager
def exact() -> Iterator[None]:
    """Inside, numbers are float64, and what transformers warns of does not matter."""
    threads = torch.get_num_threads()
    with warnings.catch_warnings(), Float64():
        warnings.simplefilter("ignore")
        torch.set_default_dtype(torch.float64)
        torch.set_num_threads(1)  # two wait for each other longer than a tiny product takes
        try:
            yield
        finally:
            torch.set_default_dtype(torch.float32)
            torch.set_num_threads(threads)


@dataclass(frozen=True)
class Head:
    """A kind of head: its auto class and mapping in transformers, and the task that calls a model as it is called."""

    auto: str
    mapping: str
    task: str
    tokens: bool  # it answers at every token


HEADS = {
    "sequence classification": Head(
        "AutoModelForSequenceClassification", "SEQUENCE_CLASSIFICATION", "text-classification", False
    ),
    "token classification": Head(
        "AutoModelForTokenClassification", "TOKEN_CLASSIFICATION", "token-classification", True
    ),
    "question answering": Head("AutoModelForQuestionAnswering", "QUESTION_ANSWERING", "question-answering", True),
    "multiple choice": Head("AutoModelForMultipleChoice", "MULTIPLE_CHOICE", "multiple-choice", False),
    "masked LM": Head("AutoModelForMaskedLM", "MASKED_LM", "fill-mask", True),
    "causal LM": Head("AutoModelForCausalLM", "CAUSAL_LM", "text-generation", True),
    "seq2seq LM": Head("AutoModelForSeq2SeqLM", "SEQ_TO_SEQ_CAUSAL_LM", "text-generation", True),
}


def architectures(head: str) -> list[str]:
    """The model types that the installed transformers has such a head for."""
    return list(getattr(modeling_auto, f"MODEL_FOR_{HEADS[head].mapping}_MAPPING_NAMES"))


def built(model_type: str, head: str) -> Loaded:
    """A tiny random model, its weights large enough that its gradients are not all alike."""
    config: Any = tiny_config(model_type)
    if head == "causal LM" and not config.is_encoder_decoder:
        for name in ("is_decoder", "causal"):
            if hasattr(config, name):
                setattr(config, name, True)
    torch.manual_seed(0)
    auto = getattr(transformers, HEADS[head].auto)
    model = auto.from_config(config, attn_implementation="eager", experts_implementation="eager").double()
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape)
            parameter.copy_(noise * 0.2 if parameter.dim() > 1 else parameter + noise * 0.1)
    return as_loaded(model, model_type, HEADS[head].task)


def as_loaded(model: Any, name: str, task: str) -> Loaded:
    """A model as the engine gets it, with the little of a tokenizer that the engine asks for."""
    info = record.Model(
        name=name,
        source="folder",
        task=task,
        architecture=type(model).__name__,
        parameters=model.num_parameters(),
        dtype="float64",
        revision=None,
        licence=None,
        weights_sha256=None,
        trust_remote_code=False,
        random_weights=[],
        equivalence=None,
    )
    return ready(model, SimpleNamespace(model_max_length=10**30, all_special_ids=[*range(SPECIALS)]), info)


def functions(loaded: Loaded, head: str) -> list[TargetFunction]:
    """F of texts of three lengths, and of one more of the first length."""
    generator = torch.Generator().manual_seed(3)
    return [_function(loaded, head, length, generator) for length in LENGTHS]


def _function(loaded: Loaded, head: str, length: int, generator: torch.Generator) -> TargetFunction:
    config: Any = cast(Any, loaded.model).config
    texts = torch.randint(SPECIALS, VOCABULARY, (2, length), generator=generator).tolist()
    end, separator = (getattr(config, f"{name}_token_id", None) for name in ("eos", "sep"))
    if config.is_encoder_decoder and end is not None:  # BART classifies at the end of a text
        texts = [[*ids[:-1], end] for ids in texts]
    if head in ("question answering", "multiple choice") and separator is not None:  # Longformer counts three
        texts = [[ids[0], separator, separator, *ids[3:-1], separator] for ids in texts]
    extra = {}
    if "token_type_ids" in loaded.inputs and (getattr(config, "type_vocab_size", None) or 0) > 1:
        extra = {"token_type_ids": [0] * (length // 2) + [1] * (length - length // 2)}
    if head == "multiple choice":
        places = [range(length), range(length, 2 * length)]
        return TargetFunction([Row(ids, extra) for ids in texts], places, lambda z: z.reshape(len(z), -1)[:, 0])
    prefix = [config.pad_token_id or 2, *range(SPECIALS, SPECIALS + length - 3)] if head == "seq2seq LM" else []
    row = Row(texts[0] + prefix, extra, len(prefix))
    score: Callable[[Tensor], Tensor] = lambda z: z[:, 0, INDEX]  # noqa: E731
    if head == "question answering":
        score = lambda z: z[:, 0].sum(dim=-1)  # noqa: E731
    if not HEADS[head].tokens:
        return TargetFunction([row], [range(len(row))], score)
    if HEADS[head].task == "text-generation":  # what predicts the token after the one that is read
        return TargetFunction([row], [range(len(row))], score, [(length if prefix else 0) + READ + 1])
    return TargetFunction([row], [range(len(row))], score, [READ], at_own=True)


@dataclass(frozen=True)
class Passed:
    """What is worth knowing of an architecture that passes."""

    relative_delta: float  # of integrated gradients
    ids_act_elsewhere: bool


def check(loaded: Loaded, head: str) -> Passed:
    """Assert all that a map rests on."""
    texts = functions(loaded, head)
    one, groups = texts[0], 1 if head == "multiple choice" else None
    assert engine.check_equivalence(loaded, one.rows, groups) <= 1e-10, "the hooked forward is another one"
    x = _embeddings(loaded, one)
    (score,), (gradient,) = engine.evaluate(loaded, [Job(one)], gradient=True)
    if HEADS[head].tokens:
        assert float(torch.cat([gradient[:READ], gradient[READ + 1 :]]).norm()) > 1e-6, "no other token has a gradient"
    direction = torch.randn(x.shape, generator=torch.Generator().manual_seed(5))
    points = [Job(one, x + STEP * direction), Job(one, x - STEP * direction)]
    above, below = (
        engine.evaluate(loaded, points[:1], gradient=False)[0],
        engine.evaluate(loaded, points[1:], gradient=False)[0],
    )
    size = gradient.norm()  # of what a derivative in a random direction comes to
    _close(
        (gradient * direction).sum(), (above - below)[0] / (2 * STEP), 1e-4, "gradient and central differences", size
    )
    _close(*_of_ids(loaded, one, gradient), 1e-4, "gradient and what all lookups do together", size)
    _first_maps(loaded, head, one, x, gradient, groups)
    assert engine.is_causal(loaded, one.rows[0]) or head != "causal LM", "it sees later tokens"
    for looks_inside in (layers, attention_maps):
        with suppress(ExampleError):  # which says that there is nothing to be seen
            looks_inside(loaded, one)
    company = company_of(loaded, one.rows, groups)
    items = sorted((Item(i, cast(Any, None), Prepared(list(f.rows), [])) for i, f in enumerate(texts)), key=Item.size)
    while items:
        batch = [texts[item.place] for item in items[: fitting(items, 1000, company)]]
        together = engine.evaluate(loaded, [Job(f) for f in batch], gradient=True)
        for function, value, slope in zip(batch, *together, strict=True):
            alone, (own,) = engine.evaluate(loaded, [Job(function)], gradient=True)
            _close(value, alone[0], 1e-9, "F in a batch and alone")
            _close(slope, own, 1e-8, "a gradient in a batch and alone")
        del items[: len(batch)]
    # A short way, since random experts change at every turn of a long one.
    start = Start(x, float(score), gradient, x + 0.1 * (x.mean(dim=0) - x), "near", [], Options(steps=8, max_steps=8))
    asked = answered(one, integrated_gradients(start), "integrated_gradients")
    (done,) = scheduling.run([(0, asked)], loaded, company, Budget(4096))
    if done.error is not None:
        raise done.error
    assert bool(done.result.values.isfinite().all())
    delta = done.result.completeness.relative
    return Passed(0.0 if delta is None else delta, engine.ids_act_elsewhere(loaded, one.rows, groups))


def _first_maps(
    loaded: Loaded, head: str, one: TargetFunction, x: Tensor, gradient: Tensor, groups: int | None
) -> None:
    """The pass that makes the first maps gives the same gradient and embeddings."""
    row = one.rows[0]
    if head == "seq2seq LM":  # its prefixes have no first maps yet
        return
    if head == "causal LM":
        spans = [(READ + 1, READ + 1)]
        _, embeddings, found = engine.matrix(loaded, row, spans, lambda logits: logits[:, INDEX], 10_000)
        own = next(found).values
        new = engine.generate(loaded, row, 2)
        again = [*row.ids, *new[:1]]
        for ids, token in zip((row.ids, again), new, strict=False):
            logits = engine.evaluate(
                loaded, [Job(TargetFunction([Row(ids)], [range(len(ids))], _margin(token), [len(ids)]))], gradient=False
            )[0]
            assert float(logits[0]) >= -1e-6, "generation takes another token than the argmax"
    else:

        def select(logits: Tensor) -> Tensor:
            shown = logits[:, READ] if HEADS[head].tokens else logits.reshape(1, -1)
            return one.score(shown[:, None])

        got = engine.gradients(loaded, one.rows, select, groups)
        own, embeddings = torch.cat([slopes.values for slopes in got.gradients]), torch.cat(got.embeddings)
    _close(own, gradient, 1e-9, "the first map and F's gradient")
    _close(embeddings, x, 1e-12, "the first map's embeddings")


def _margin(token: int) -> Callable[[Tensor], Tensor]:
    """How far a token is above the best of all: 0 where it is the best."""
    return lambda logits: logits[:, 0, token] - logits[:, 0].max(dim=-1).values


def _embeddings(loaded: Loaded, function: TargetFunction) -> Tensor:
    if function.rows[0].prefix:
        return looked_up(loaded.model, engine.collate(function.rows, loaded))[0]
    return torch.cat([engine.embed(loaded, row.ids) for row in function.rows])


def _of_ids(loaded: Loaded, function: TargetFunction, gradient: Tensor) -> tuple[Tensor, Tensor]:
    """Σ gᵢ · v(idᵢ), and the change of F when every lookup of an id gives a little of v(id) more, wherever it is."""
    model: Any = loaded.model
    more = torch.randn(loaded.vocabulary, gradient.shape[1], generator=torch.Generator().manual_seed(11))
    more[:SPECIALS] = 0

    def moved(size: float) -> Tensor:
        def hook(module: nn.Module, args: Any, inputs: Any, output: Any) -> Any:
            added = size * more[args[0] if args else next(iter(inputs.values()))]
            return (output[0] + added, *output[1:]) if isinstance(output, tuple) else output + added

        handles = [module.register_forward_hook(hook, with_kwargs=True) for module in found]
        (value,), _ = engine.evaluate(loaded, [Job(function)], gradient=False)
        for handle in handles:
            handle.remove()
        return cast(Tensor, value)

    weights = [table.weight for table in tables(model)]
    others = (module for module in model.modules() if not isinstance(module, nn.Linear))
    found = [module for module in others if any(getattr(module, "weight", None) is w for w in weights)]
    expected = torch.cat([more[row.ids] for row in function.rows])
    return (gradient * expected).sum(), (moved(STEP) - moved(-STEP)) / (2 * STEP)


def _close(got: Tensor, expected: Tensor, tolerance: float, what: str, size: Tensor | None = None) -> None:
    size = expected.abs().max() if size is None else size
    off = float((got - expected).abs().max() / size.clamp_min(1e-12))
    assert off <= tolerance, f"{what} are {off:.1e} apart"


@dataclass(frozen=True)
class Outcome:
    """What became of an architecture with a head, and why where it is not supported."""

    kind: Literal["supported", "refused", "not built"]
    why: str = ""
    passed: Passed | None = None


@cache
def outcome(model_type: str, head: str) -> Outcome:
    """An architecture through its loading check and all others.

    Raises:
        AssertionError: it is wrong in silence.
    """
    with exact():
        try:
            check_supported(model_type, model_type)
            return Outcome("supported", passed=check(built(model_type, head), head))
        except ExampleError as error:
            return Outcome("refused", error.message)
        except ImportError as error:
            wanted = re.search(r"requires the (\S+) library", str(error))
            if wanted is None:
                raise
            return Outcome("not built", f"it needs {wanted[1]}, which is not installed here")
