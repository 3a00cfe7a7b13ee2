"""A name in the input to frozen weights, a tokenizer and their provenance; alone reads weights and the Hub."""

from __future__ import annotations

import hashlib
import inspect
import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext, redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import huggingface_hub
import torch
import transformers
from huggingface_hub.errors import HfHubHTTPError, HFValidationError
from torch import nn
from transformers.models.auto import modeling_auto

from saliency_report import licence, record, weights
from saliency_report.architectures import check_supported
from saliency_report.embedded import EMBEDDED
from saliency_report.errors import ExampleError
from saliency_report.load_errors import SAVE_TOKENIZER, explained
from saliency_report.pooling import Pooling, attach, read_pooling
from saliency_report.spec import EMBEDDED_MODEL, Example, MultipleChoice
from saliency_report.tasks import TASKS
from saliency_report.tasks.base import Checkpoint

# Weights that a checkpoint lacks are drawn from this seed: the same wrong map every time.
RANDOM_HEAD_SEED = 0
LOOKED_UP = "Paths are looked up from the folder of the input file."


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


@dataclass(frozen=True)
class Request:
    """What decides which weights are loaded; examples with equal requests share a model."""

    task: str
    name: str
    revision: str | None
    dtype: str
    trust_remote_code: bool
    allow_random_head: bool
    pooling: str | None = None
    allow_pickle: bool = False
    adapter: str | None = None
    quantise: str | None = None
    device_map: str | None = None
    by: Literal["", "auto", "head", "causal"] = ""  # multiple-choice: what chooses


def quiet() -> None:
    """Keep transformers and the Hub's client from writing to the terminal between our own lines."""
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    huggingface_hub.utils.logging.set_verbosity_error()


def shown_name(name: str) -> str:
    """A model's name as the record and messages give it: of a path only the last part, it may tell a user's name."""
    return (
        Path(name).name if name.startswith((".", "/", "~")) or name.endswith(".gguf") or name.count("/") > 1 else name
    )


def request(example: Example, dtype: str) -> Request:
    """The model that an example asks for; `dtype` is the run's, the example's own goes before it."""
    return Request(
        example.task,
        example.model,
        example.revision,
        example.dtype or dtype,
        example.trust_remote_code,
        example.allow_random_head,
        getattr(example, "pooling", None),
        example.allow_pickle,
        example.adapter,
        example.quantise,
        example.device_map,
        _chooser(example),
    )


def _chooser(example: Example) -> Literal["", "auto", "head", "causal"]:
    if not isinstance(example, MultipleChoice):
        return ""
    return "causal" if example.by == "likelihood" or example.by == "letter" else example.by


def load(wanted: Request, device: torch.device, folder: Path) -> Loaded:
    """Load, freeze and describe a model; a local folder is looked up from `folder`.

    Raises:
        ExampleError: what was asked for does not exist or does not fit the task, and what to do about it.
    """
    with explained(shown_name(wanted.name), "path", "weights"):
        source, place, options, named = _locate(wanted, folder)
    adapter = _adapter(wanted, folder)
    options["trust_remote_code"] = wanted.trust_remote_code
    if wanted.revision:
        options["revision"] = wanted.revision
    name = shown_name(wanted.name)
    about = {key: value for key, value in options.items() if key != "use_safetensors"}
    bits = 4 if wanted.quantise else None
    if source != "gguf":  # whose architectures are few, and whose files take seconds to read
        with explained(name, source, "weights", place):
            config = transformers.AutoConfig.from_pretrained(place, **about)
        check_supported(config.model_type, name)
        bits = bits or weights.bits_of(getattr(config, "quantization_config", None), name, device)
    with explained(name, source, "tokenizer", place):
        tokenizer = transformers.AutoTokenizer.from_pretrained(place, **about)
    if len(tokenizer) <= len(tokenizer.all_special_ids):
        # Without its files transformers makes an empty tokenizer, to which every word is unknown.
        raise ExampleError(f"The model {name!r} has no tokenizer.", SAVE_TOKENIZER)
    with explained(name, source, "weights", place):
        causal = wanted.by == "causal" or (wanted.by == "auto" and _continues(place, about))
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
        pooling = _pooled(model, place, wanted.pooling, options)
        missing = [key for key in missing if not key.startswith("pooler.")]  # BERT's own, which nothing is read from
    if missing and not wanted.allow_random_head:
        more = f" and {len(missing) - 4} more" if len(missing) > 4 else ""
        raise ExampleError(
            f"The checkpoint {name!r} has no weights for {', '.join(missing[:4])}{more}, which {task} needs.",
            f"Give a checkpoint that was trained for {task}, or write `allow_random_head: true` to explain "
            "random weights (the page says so).",
        )
    config = model.config
    info = record.Model(
        name=f"embedded {Path(place).name}" if source == "embedded" else name,
        source=source,
        task=wanted.task,
        architecture=type(model).__name__,
        parameters=model.num_parameters(),
        dtype=str(model.dtype).removeprefix("torch."),
        revision=getattr(config, "_commit_hash", None),
        licence=named,
        weights_sha256=None if source == "hub" else _hash(_weight_files(Path(place), options.get("gguf_file"))),
        trust_remote_code=wanted.trust_remote_code,
        random_weights=missing,
        pickled=not options.get("use_safetensors", True),
        adapter=adapter and adapter.name,
        adapter_sha256=adapter and _hash(_weight_files(adapter.place, None)),
        adapter_base=adapter and adapter.base,
        bits=bits,
        devices=spread,
        equivalence=None,
    )
    return ready(model, tokenizer, info, pooling, causal=causal)


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


def _locate(wanted: Request, folder: Path) -> tuple[Any, str, dict[str, Any], str | None]:
    """Where to load from: (source, folder or Hub id, further options, licence)."""
    if wanted.name == EMBEDDED_MODEL:
        embedded = EMBEDDED["text-generation" if wanted.by == "causal" else wanted.task]
        return "embedded", str(embedded), {}, licence.of_folder(embedded)
    path = folder / Path(wanted.name).expanduser()
    if wanted.name.endswith(".gguf"):
        if not path.is_file():
            raise ExampleError(f"There is no file {shown_name(wanted.name)!r}.", LOOKED_UP)
        return "gguf", str(path.parent), {"gguf_file": path.name}, licence.of_gguf(path)
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise ExampleError(
                f"{shown_name(wanted.name)!r} is not a model: it has no config.json.",
                "Give a folder that `save_pretrained` wrote.",
            )
        names = [file.name for file in path.iterdir()]
        options = weights.check_pickle(shown_name(wanted.name), names, allowed=wanted.allow_pickle)
        return "folder", str(path), options, licence.of_folder(path)
    if wanted.name.startswith((".", "/", "~")) or wanted.name.count("/") > 1:
        raise ExampleError(
            f"There is no folder {shown_name(wanted.name)!r}.", f"{LOOKED_UP} A Hub id reads owner/name."
        )
    with explained(wanted.name, "hub", "weights"):
        # One question before the download: transformers asks a Hub out of reach twelve times, for 47 s.
        found = _asked(wanted)
    options = {} if found else {"local_files_only": True}
    if found:
        names = [file.rfilename for file in found.siblings or []]
        options |= weights.check_pickle(wanted.name, names, allowed=wanted.allow_pickle)
    elif not wanted.allow_pickle:
        options["use_safetensors"] = True
    return "hub", wanted.name, options, licence.of_card(found and found.card_data)


def _adapter(wanted: Request, folder: Path) -> weights.Adapter | None:
    if wanted.adapter is None:
        return None
    return weights.find_adapter(wanted.adapter, folder, shown_name(wanted.adapter), allow_pickle=wanted.allow_pickle)


def identity(wanted: Request, folder: Path) -> str:
    """What changes whenever the weights, the configuration or the tokenizer do: a commit, or a hash of the files.

    Raises:
        ExampleError: there is no such model.
    """
    adapter = _adapter(wanted, folder)
    own = _identity(wanted, folder)
    return f"{own} {_hash(adapter.place.iterdir())}" if adapter else own


def _identity(wanted: Request, folder: Path) -> str:
    source, place, options, _ = _locate(wanted, folder)
    if source == "hub":
        found = _asked(wanted)
        with explained(wanted.name, "hub", "weights"):
            cached = found or huggingface_hub.snapshot_download(
                wanted.name, revision=wanted.revision, local_files_only=True, allow_patterns=["config.json"]
            )
        return str(cached.sha if isinstance(cached, huggingface_hub.ModelInfo) else Path(cached).name)
    if file := options.get("gguf_file"):
        return _hash([Path(place, file)])
    return _hash(path for path in Path(place).rglob("[!.]*") if path.is_file())


def _continues(place: str, options: dict[str, Any]) -> bool:
    """Whether a checkpoint is of a causal model: by the architecture that it names, else by what its type allows."""
    config = transformers.AutoConfig.from_pretrained(place, **options)
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


def _asked(wanted: Request) -> huggingface_hub.ModelInfo | None:
    """What the Hub says of the model; None where the Hub is out of reach."""
    try:
        return huggingface_hub.HfApi().model_info(wanted.name, revision=wanted.revision, timeout=10)
    except HFValidationError:
        raise
    except HfHubHTTPError as error:
        if error.response.status_code < 500:
            raise
    except Exception:  # offline mode or the transport's own error, whose library changes between versions
        pass  # what an earlier run downloaded still serves
    return None


def _pooled(model: Any, place: str, asked: str | None, options: dict[str, Any]) -> Pooling:
    """Let an encoder answer with one vector a text, and say how that is made.

    Raises:
        ExampleError: it is no encoder alone, or its checkpoint does something else to its vectors.
    """
    if model.config.is_encoder_decoder:
        raise ExampleError(
            "The model has an encoder and a decoder; it is not clear which makes the vector of a text.",
            "Use a model of an encoder alone, such as sentence-transformers/all-MiniLM-L6-v2.",
        )
    pooling = read_pooling(place, asked, options)
    attach(model, pooling)
    return pooling


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


def _weight_files(place: Path, gguf_file: str | None) -> list[Path]:
    return [place / gguf_file] if gguf_file else [*place.glob("*.safetensors"), *place.glob("*.bin")]


def _hash(paths: Iterable[Path]) -> str:
    """SHA-256 over files, in the order of their names."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
