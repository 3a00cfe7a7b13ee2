"""How weights are read: from which files, on which devices, in how many bits, and with which adapter on them."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import huggingface_hub
import torch
import transformers
from safetensors import safe_open

from saliency_report.errors import ExampleError
from saliency_report.load_errors import explained

ADAPTER_FILES = ["adapter_config.json", "adapter_model.*"]
# Weights alone in 4 bits are multiplied out before they are used, so the gradient is that of the answer. In 8 bits
# activations are rounded too: the answer moves in steps, and what comes back is not its slope.


@dataclass(frozen=True)
class Adapter:
    """Small weights trained on top of a model: their name, their hash or commit, and what they were trained on."""

    place: Path
    name: str
    base: str | None


def need(package: str, what: str) -> None:
    """Refuse what a missing package would do.

    Raises:
        ExampleError: the package is not installed.
    """
    if importlib.util.find_spec(package) is None:
        raise ExampleError(
            f"{what} needs the package {package}, which is not installed.",
            f"Install it: pip install 'saliency-report[{package}]'.",
        )


def check_pickle(name: str, files: Iterable[str], *, allowed: bool) -> dict[str, Any]:
    """Options for a checkpoint of these files: safetensors, or pickled weights where they are all there is and allowed.

    Raises:
        ExampleError: there are pickled weights alone, which nobody allowed.
    """
    suffixes = {Path(file).suffix for file in files if "training_args" not in file}
    if ".safetensors" in suffixes or not suffixes & {".bin", ".pt", ".pth"}:
        return {"use_safetensors": True} if ".safetensors" in suffixes else {}
    if not allowed:
        raise ExampleError(
            f"{name!r} has its weights as pickled files (.bin) alone, which can hold code.",
            "Save them as safetensors (`save_pretrained`); or, if you trust whoever made them, write "
            "`allow_pickle: true`.",
        )
    return {"use_safetensors": False}


def placing(device: torch.device, *, spread: bool, quantised: bool) -> dict[str, Any]:
    """Options for where weights go and in how many bits.

    Raises:
        ExampleError: a package is missing, or the device does not take few bits.
    """
    options: dict[str, Any] = {}
    if quantised:
        check_device(device)
    if spread or quantised:
        need("accelerate", "`device_map: auto`" if spread else "`quantise: 4bit`")
        options["device_map"] = "auto" if spread else {"": str(device)}
    if quantised:
        need("bitsandbytes", "`quantise: 4bit`")
        options["quantization_config"] = transformers.BitsAndBytesConfig(load_in_4bit=True)
    return options


def check_device(device: torch.device) -> None:
    """Refuse few bits on a CPU, where bitsandbytes packs them for passes that no gradient comes back from."""
    if device.type == "cpu":
        raise ExampleError(
            "Weights in 4 bits need a GPU: on a CPU bitsandbytes keeps them in a form without a gradient.",
            "Use --device cuda, or leave `quantise` out.",
        )


def bits_of(found: dict[str, Any] | None, name: str, device: torch.device) -> int | None:
    """In how many bits the weights of a quantised checkpoint are, else None; told from its configuration.

    Raises:
        ExampleError: the gradients of a model quantised like this are not those of its answers, or nobody knows.
    """
    if not found:
        return None
    method = found.get("quant_method", "bitsandbytes")
    if method == "bitsandbytes" and found.get("load_in_4bit"):
        check_device(device)
        need("bitsandbytes", f"The model {name!r}")
        return 4
    kind = "8 bits" if found.get("load_in_8bit") else method
    raise ExampleError(
        f"The weights of {name!r} are quantised ({kind}) in a way whose gradients are not known to be those of its "
        "answers.",
        "Give the checkpoint as it was before, with `quantise: 4bit` where it is too large.",
    )


def devices(model: Any) -> str:
    """Where the parts of a model that was spread lie.

    Raises:
        ExampleError: a part is on the disk.
    """
    places = [f"cuda:{p}" if isinstance(p, int) else str(p) for p in getattr(model, "hf_device_map", {}).values()]
    if "disk" in places:
        raise ExampleError(
            "The model does not fit into the memory of all devices and of the machine together.",
            "Use a smaller model, `dtype: bfloat16`, or a larger machine.",
        )
    return ", ".join(dict.fromkeys(places)) or str(model.device)


def find_adapter(given: str, folder: Path, shown: str, *, allow_pickle: bool) -> Adapter:
    """An adapter in a local folder, looked up from `folder`, or on the Hub.

    Raises:
        ExampleError: there is none, or its weights are pickled and nobody allowed that.
    """
    need("peft", "`adapter`")
    import peft

    place = folder / Path(given).expanduser()
    if not place.is_dir():
        if given.startswith((".", "/", "~")) or given.count("/") > 1:
            raise ExampleError(
                f"There is no folder {shown!r}.", "Paths are looked up from the folder of the input file."
            )
        with explained(shown, "hub", "weights"):
            place = Path(huggingface_hub.snapshot_download(given, allow_patterns=ADAPTER_FILES))
    if not (place / "adapter_config.json").is_file():
        raise ExampleError(
            f"{shown!r} is not an adapter: it has no adapter_config.json.",
            "Give a folder that `save_pretrained` of peft wrote; a whole model goes under `model`.",
        )
    check_pickle(shown, [file.name for file in place.iterdir()], allowed=allow_pickle)
    with explained(shown, "folder", "weights", str(place)):
        config: Any = peft.PeftConfig.from_pretrained(str(place))
    if config.is_prompt_learning:
        raise ExampleError(
            f"The adapter {shown!r} puts learned vectors before the text, which are no words and are not explained.",
            "Use an adapter that changes weights, such as LoRA.",
        )
    return Adapter(place, shown, config.base_model_name_or_path and Path(config.base_model_name_or_path).name)


def adapted(model: Any, adapter: Adapter) -> tuple[Any, set[str]]:
    """The model with an adapter's weights in it, and which of its own parameters the adapter brings.

    Raises:
        ExampleError: the adapter was made for another architecture, or lacks weights.
    """
    import peft

    with explained(adapter.name, "folder", "weights", str(adapter.place)), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # peft asks transformers in words of an older version
        wrapped: Any = peft.PeftModel.from_pretrained(model, str(adapter.place))
        placed = set(peft.get_peft_model_state_dict(wrapped))
    # peft passes over weights that find no place, in silence: the map would be another model's.
    given = _names(adapter.place)
    wrong = sorted(given ^ placed)
    if wrong:
        lost = "has no place for" if wrong[0] in given else "asks for"
        raise ExampleError(
            f"The adapter {adapter.name!r} and the model do not belong together: the model {lost} {wrong[0]}"
            + (f" and {len(wrong) - 1} more." if len(wrong) > 1 else "."),
            "Give the model that it was trained on" + (f", {adapter.base}." if adapter.base else "."),
        )
    return wrapped.get_base_model(), {name.removeprefix("base_model.model.") for name in given}


def _names(place: Path) -> set[str]:
    """The names of an adapter's weights."""
    names: set[str] = set()
    for file in place.glob("adapter_model*.safetensors"):
        with safe_open(file, framework="pt") as held:
            names |= set(held.keys())
    if not names:
        for file in place.glob("adapter_model*.bin"):
            names |= set(torch.load(file, weights_only=True))
    return names
