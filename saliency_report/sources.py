"""A name in the input to the place of its files, and what tells these weights from others; alone asks the Hub."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import huggingface_hub
from huggingface_hub.errors import HfHubHTTPError, HFValidationError

from saliency_report import licence, weights
from saliency_report.embedded import EMBEDDED
from saliency_report.errors import ExampleError
from saliency_report.load_errors import explained
from saliency_report.spec import EMBEDDED_MODEL, Example, MultipleChoice

LOOKED_UP = "Paths are looked up from the folder of the input file."


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


def shown_name(name: str) -> str:
    """A model's name as the record and messages give it: of a path only the last part, it may tell a user's name."""
    return (
        Path(name).name if name.startswith((".", "/", "~")) or name.endswith(".gguf") or name.count("/") > 1 else name
    )


def locate(wanted: Request, folder: Path) -> tuple[Any, str, dict[str, Any], str | None]:
    """Where to load from: (source, folder or Hub id, further options, licence).

    Raises:
        ExampleError: there is no such model.
    """
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


def find_adapter(wanted: Request, folder: Path) -> weights.Adapter | None:
    """The adapter that was asked for, if any."""
    if wanted.adapter is None:
        return None
    return weights.find_adapter(wanted.adapter, folder, shown_name(wanted.adapter), allow_pickle=wanted.allow_pickle)


def identity(wanted: Request, folder: Path) -> str:
    """What changes whenever the weights, the configuration or the tokenizer do: a commit, or a hash of the files.

    Raises:
        ExampleError: there is no such model.
    """
    adapter = find_adapter(wanted, folder)
    own = _identity(wanted, folder)
    return f"{own} {hash_of(adapter.place.iterdir())}" if adapter else own


def _identity(wanted: Request, folder: Path) -> str:
    source, place, options, _ = locate(wanted, folder)
    if source == "hub":
        found = _asked(wanted)
        with explained(wanted.name, "hub", "weights"):
            cached = found or huggingface_hub.snapshot_download(
                wanted.name, revision=wanted.revision, local_files_only=True, allow_patterns=["config.json"]
            )
        return str(cached.sha if isinstance(cached, huggingface_hub.ModelInfo) else Path(cached).name)
    if file := options.get("gguf_file"):
        return hash_of([Path(place, file)])
    return hash_of(path for path in Path(place).rglob("[!.]*") if path.is_file())


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


def weight_files(place: Path, gguf_file: str | None = None) -> list[Path]:
    """The files of a folder that hold weights."""
    return [place / gguf_file] if gguf_file else [*place.glob("*.safetensors"), *place.glob("*.bin")]


def hash_of(paths: Iterable[Path]) -> str:
    """SHA-256 over files, in the order of their names."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
