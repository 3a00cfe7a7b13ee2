"""A model that a person's own Python code holds, as the engine takes it; afterwards it is as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import transformers

from saliency_report import weights
from saliency_report.architectures import check_supported
from saliency_report.engine.forward import attention
from saliency_report.errors import ExampleError
from saliency_report.models import Loaded, continues, described, pooled, ready
from saliency_report.sources import Request, shown_name
from saliency_report.tasks import TASKS


@dataclass(frozen=True)
class Given:
    """A model of transformers, with an adapter of PEFT's or without, and its tokenizer; `undo` makes it what it was."""

    model: Any
    tokenizer: Any
    undo: ExitStack = field(default_factory=ExitStack)

    @property
    def base(self) -> Any:
        """The model without the wrapping of an adapter, whose layers stay in it."""
        return self.model.get_base_model() if hasattr(self.model, "get_base_model") else self.model

    @property
    def name(self) -> str:
        """Where the model says that it came from, or else its class."""
        return shown_name(self.base.name_or_path or type(self.base).__name__)

    def loaded(self, wanted: Request) -> Loaded:
        """The model, frozen and described.

        Raises:
            ExampleError: the model has another head than the task's, or is refused.
        """
        model = self.base
        check_supported(model.config.model_type, self.name)
        causal = wanted.by == "causal" or (wanted.by == "auto" and continues(model.config))
        task = "text-generation" if causal else wanted.task
        _check_head(model, task)
        # Rows of the matrix are batched vector-Jacobian products; the fused attention has no rule for them.
        implementation = "eager" if task == "text-generation" else model.config._attn_implementation
        self.undo.enter_context(_as_it_was(model, implementation))
        pooling = None
        if wanted.task == "sentence-similarity":
            pooling, handle = pooled(model, model.name_or_path or None, wanted.pooling, {})
            self.undo.callback(handle.remove)
        info = described(
            model,
            wanted,
            name=self.name,
            source="given",
            weights_sha256=None,
            trust_remote_code=False,
            random_weights=[],
            adapter=getattr(self.model, "active_adapter", None) if model is not self.model else None,
            bits=weights.bits_of(getattr(model.config, "quantization_config", None), self.name, model.device),
            devices=weights.devices(model) if hasattr(model, "hf_device_map") else None,
        )
        return ready(model, self.tokenizer, info, pooling, causal=causal)


@contextmanager
def _as_it_was(model: Any, implementation: str) -> Iterator[None]:
    """Inside, the model may be frozen and put into eval mode, and computes its attention as is said."""
    training = [(module, module.training) for module in model.modules()]
    slopes = [(parameter, parameter.requires_grad) for parameter in model.parameters()]
    caches = [(c, c.use_cache) for c in (model.config, model.config.get_text_config()) if hasattr(c, "use_cache")]
    try:
        with attention(model, implementation):
            yield
    finally:
        for module, was in training:
            module.training = was
        for parameter, took in slopes:
            parameter.requires_grad_(took)
        for config, cached in caches:
            config.use_cache = cached


def _check_head(model: Any, task: str) -> None:
    """Refuse a class that transformers has for another head; one's own class has to show what it does."""
    kind, auto = type(model).__name__, TASKS[task].AUTO_CLASS
    if kind in _classes(auto):
        return
    known = {name for other in dir(transformers) if other.startswith("AutoModel") for name in _classes(other)}
    if kind in known:
        raise ExampleError(f"{task} needs a model of {auto}, and this is a {kind}.", f"Load it with {auto}.")


def _classes(auto: str) -> set[str]:
    """The names of the classes that an auto class makes."""
    mapping = getattr(getattr(transformers, auto, None), "_model_mapping", None)
    names = getattr(mapping, "_model_mapping", {}).values()
    return {name for held in names for name in ([held] if isinstance(held, str) else held)}
