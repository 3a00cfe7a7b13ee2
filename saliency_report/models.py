"""A name in the input to frozen weights, a tokenizer and their provenance; alone reads weights."""

from __future__ import annotations

import inspect
import io
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import huggingface_hub
import torch
import transformers
from torch import nn
from torch.utils.hooks import RemovableHandle
from transformers.models.auto import modeling_auto

from saliency_report import record, weights
from saliency_report.architectures import check_supported
from saliency_report.errors import ExampleError
from saliency_report.load_errors import SAVE_TOKENIZER, explained
from saliency_report.pooling import Pooling, attach, read_pooling
from saliency_report.sources import Request, find_adapter, hash_of, locate, shown_name, weight_files
from saliency_report.tasks import TASKS
from saliency_report.tasks.base import Checkpoint

# Weights that a checkpoint lacks are drawn from this seed: the same wrong map every time.
RANDOM_HEAD_SEED = 0


@dataclass(frozen=True)
class Loaded:
    """A model in eval mode whose parameters take no gradient."""

    model: nn.Module
    checkpoint: Checkpoint
    info: record.Model
    pad: int | None
    inputs: frozenset[str]
    vocabulary: int

    @property
    def choices(self) -> bool:
        """Whether the model takes choices as an axis."""
        return bool(TASKS[self.info.task].CHOICES) and not self.checkpoint.causal


def quiet() -> None:
    """Keep transformers and the Hub's client from writing to the terminal between our own lines."""
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    huggingface_hub.utils.logging.set_verbosity_error()


def load(wanted: Request, device: torch.device, folder: Path) -> Loaded:
    """Load, freeze and describe a model; a local folder is looked up from `folder`.

    Raises:
        ExampleError: what was asked for does not exist or does not fit the task, and what to do about it.
    """
    with explained(shown_name(wanted.name), "path", "weights"):
        source, place, options, named = locate(wanted, folder)
    adapter = find_adapter(wanted, folder)
    options["trust_remote_code"] = wanted.trust_remote_code
    if wanted.revision:
        options["revision"] = wanted.revision
    name = shown_name(wanted.name)
    about = {key: value for key, value in options.items() if key != "use_safetensors"}
    bits = 4 if wanted.quantise else None
    causal = wanted.by == "causal"
    if source != "gguf" or wanted.by == "auto":  # whose architectures are few, and whose files take seconds to read
        with explained(name, source, "weights", place):
            config = transformers.AutoConfig.from_pretrained(place, **about)
        check_supported(config.model_type, name)
        bits = bits or weights.bits_of(getattr(config, "quantization_config", None), name, device)
        causal |= wanted.by == "auto" and continues(config)
    with explained(name, source, "tokenizer", place):
        tokenizer = transformers.AutoTokenizer.from_pretrained(place, **about)
    if len(tokenizer) <= len(tokenizer.all_special_ids):
        # Without its files transformers makes an empty tokenizer, to which every word is unknown.
        raise ExampleError(f"The model {name!r} has no tokenizer.", SAVE_TOKENIZER)
    task = "text-generation" if causal else wanted.task
    auto_class = getattr(transformers, TASKS[task].AUTO_CLASS)
    if wanted.task == "text-generation":
        # Rows of the matrix are batched vector-Jacobian products; the fused attention has no rule for them.
        options["attn_implementation"] = "eager"
    with explained(name, source, "weights", place), torch.random.fork_rng(devices=[]), _without_gguf_bar(source):
        torch.manual_seed(RANDOM_HEAD_SEED)
        dtype = "auto" if wanted.dtype == "auto" else getattr(torch, wanted.dtype)
        # A head of another size counts as missing: it is named below instead of ending in a traceback.
        options |= {"dtype": dtype, "output_loading_info": True, "ignore_mismatched_sizes": True}
        if dtype == torch.float64:  # the fused products of experts are for narrower numbers
            options["experts_implementation"] = "eager"
        options |= weights.placing(device, spread=wanted.device_map is not None, quantised=wanted.quantise is not None)
        model, report = auto_class.from_pretrained(place, **options)
    spread = weights.devices(model) if wanted.device_map else None
    model, brought = weights.adapted(model, adapter) if adapter else (model, set())
    if "device_map" not in options and bits is None:
        model.to(device)
    missing = sorted({*report["missing_keys"], *(str(key[0]) for key in report["mismatched_keys"])} - brought)
    pooling = None
    if wanted.task == "sentence-similarity":
        pooling, _ = pooled(model, place, wanted.pooling, options)
        missing = [key for key in missing if not key.startswith("pooler.")]  # BERT's own, which nothing is read from
    if missing and not wanted.allow_random_head:
        more = f" and {len(missing) - 4} more" if len(missing) > 4 else ""
        raise ExampleError(
            f"The checkpoint {name!r} has no weights for {', '.join(missing[:4])}{more}, which {task} needs.",
            f"Give a checkpoint that was trained for {task}, or write `allow_random_head: true` to explain "
            "random weights (the page says so).",
        )
    info = described(
        model,
        wanted,
        name=f"embedded {Path(place).name}" if source == "embedded" else name,
        source=source,
        licence=named,
        weights_sha256=None if source == "hub" else hash_of(weight_files(Path(place), options.get("gguf_file"))),
        trust_remote_code=wanted.trust_remote_code,
        random_weights=missing,
        pickled=not options.get("use_safetensors", True),
        adapter=adapter and adapter.name,
        adapter_sha256=adapter and hash_of(weight_files(adapter.place)),
        adapter_base=adapter and adapter.base,
        bits=bits,
        devices=spread,
    )
    return ready(model, tokenizer, info, pooling, causal=causal)


def described(model: Any, wanted: Request, **known: Any) -> record.Model:
    """What the record says of a model: what it says of itself, and what is `known` of where it came from."""
    return record.Model(
        task=wanted.task,
        architecture=type(model).__name__,
        parameters=model.num_parameters(),
        dtype=str(model.dtype).removeprefix("torch."),
        revision=getattr(model.config, "_commit_hash", None),
        equivalence=None,
        **known,
    )


def ready(
    model: Any, tokenizer: Any, info: record.Model, pooling: Pooling | None = None, *, causal: bool = False
) -> Loaded:
    """A model as the engine takes it: frozen, in eval mode, with what it takes beside it; `causal` where it chooses."""
    model.eval().requires_grad_(False)
    # A pass over a whole text needs no memory of it; some models, such as BLT, cannot even make one. Generation asks.
    model.config.use_cache = model.config.get_text_config().use_cache = False
    inputs = frozenset(inspect.signature(model.forward).parameters)
    vocabulary = len(model.get_input_embeddings().weight)
    # The configuration's padding, not the tokenizer's: heads that pool the last token look for this one. Gemma 3 has it
    # in the part of its configuration that is about text.
    pad = getattr(model.config.get_text_config(), "pad_token_id", None)
    limit = min(_limit(model, tokenizer), (pooling and pooling.limit) or 1_000_000)
    generation = getattr(model, "generation_config", None)
    checkpoint = Checkpoint(tokenizer, model.config, limit, pooling, generation, causal)
    return Loaded(model, checkpoint, info, pad, inputs, vocabulary)


def continues(config: Any) -> bool:
    """Whether a checkpoint is of a causal model: by the architecture that it names, else by what its type allows."""
    causal, choosing = (
        getattr(modeling_auto, f"MODEL_FOR_{kind}_MAPPING_NAMES") for kind in ("CAUSAL_LM", "MULTIPLE_CHOICE")
    )
    for name in config.architectures or []:
        return name in causal.values() or name.endswith("ForCausalLM")
    return config.model_type in causal and config.model_type not in choosing


@contextmanager
def _without_gguf_bar(source: str) -> Iterator[None]:
    """transformers draws the bar of its GGUF conversion whatever its own switch says."""
    with redirect_stderr(io.StringIO()) if source == "gguf" else nullcontext():
        yield


def pooled(
    model: Any, place: str | None, asked: str | None, options: dict[str, Any]
) -> tuple[Pooling, RemovableHandle]:
    """Let an encoder answer with one vector a text, until the handle is removed, and say how that is made.

    Raises:
        ExampleError: it is no encoder alone, or its checkpoint does something else to its vectors.
    """
    if model.config.is_encoder_decoder:
        raise ExampleError(
            "The model has an encoder and a decoder; it is not clear which makes the vector of a text.",
            "Use a model of an encoder alone, such as sentence-transformers/all-MiniLM-L6-v2.",
        )
    pooling = read_pooling(place, asked, options) if place else Pooling((asked or "mean",))
    return pooling, attach(model, pooling)


def _limit(model: Any, tokenizer: Any) -> int:
    """How many tokens the model takes."""
    limits = [1_000_000]
    positions = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    if positions and positions > 0:  # XLNet, which has no limit, says -1
        limits.append(positions)
    for name, module in model.named_modules():
        # RoBERTa and its kin begin to count after the padding index: 514 positions take 512 tokens.
        if name.endswith("position_embeddings") and getattr(module, "padding_idx", None) is not None:
            limits.append(len(module.weight) - module.padding_idx - 1)
    if tokenizer.model_max_length < 1_000_000:  # a tokenizer without a limit says 10**30
        limits.append(tokenizer.model_max_length)
    return min(limits)
