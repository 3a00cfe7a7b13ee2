"""Why a model did not load, in one sentence, from the exceptions of transformers and the Hub's client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from saliency_report.errors import ExampleError, without_paths

SAVE_TOKENIZER = "Save the tokenizer that it was trained with into the same folder (`tokenizer.save_pretrained`)."
LOCAL_HINT = "Or give a local folder, or leave `model` out to use the embedded model."


@contextmanager
def explained(name: str, source: str, what: str, place: str = "") -> Iterator[None]:
    """Turn what goes wrong inside into an ExampleError about the model `name`; `what` is tokenizer or weights.

    `place` is the path that was read: the message says the name where the exception says the path.
    """
    try:
        yield
    except ExampleError:
        raise
    except Exception as error:
        message, step = _explain(error, name, source, what)
        raise ExampleError(without_paths(message.replace(place, name) if place else message), step) from error


def _explain(error: Exception, name: str, source: str, what: str) -> tuple[str, str]:
    chain = _chain(error)
    kinds = {kind.__name__ for link in chain for kind in type(link).__mro__}
    text = " ".join(str(link) for link in chain)
    first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if isinstance(error, ImportError):
        package = "gguf" if source == "gguf" else "the packages that it names"
        extra = " (`pip install 'saliency-report[gguf]'`)" if source == "gguf" else ""
        return f"The model {name!r} needs a package that is not installed: {first}", f"Install {package}{extra}."
    if source == "hub":
        if "GatedRepoError" in kinds:
            return (
                f"The model {name!r} asks for permission on the Hub.",
                "Accept its terms there, then set HF_TOKEN or run `hf auth login`.",
            )
        if "RevisionNotFoundError" in kinds or "not a valid git identifier" in text:
            return f"The model {name!r} has no such revision on the Hub.", "Check `revision`: a branch, tag or commit."
        if "RepositoryNotFoundError" in kinds or "HFValidationError" in kinds:
            return (
                f"There is no model {name!r} on the Hub, and no such folder here.",
                f"Check the spelling (owner/name); a private model needs HF_TOKEN. {LOCAL_HINT}",
            )
        if kinds & {"LocalEntryNotFoundError", "OfflineModeIsEnabled", "ConnectError", "ConnectionError"}:
            return (
                f"The model {name!r} is not on this machine and the Hub cannot be reached.",
                f"Connect to the network, or unset HF_HUB_OFFLINE if it is set. {LOCAL_HINT}",
            )
    if "trust_remote_code" in text:
        return (
            f"The model {name!r} brings Python code of its own.",
            "Read that code; if you trust it, write `trust_remote_code: true`.",
        )
    if what == "weights" and ("no file named" in text or "does not appear to have a file named" in text):
        return (
            f"The model {name!r} has no weights.",
            "Give a folder or repository that holds model.safetensors beside config.json.",
        )
    if "Unrecognized configuration class" in text:
        return (
            f"The architecture of {name!r} has no such head in transformers: {first}",
            "Choose a model whose page on the Hub names this task.",
        )
    if what == "tokenizer":
        return (
            f"The model {name!r} has no tokenizer that loads: {first}",
            SAVE_TOKENIZER,
        )
    return f"The model {name!r} does not load: {first}", "Run again with --debug to see where."


def _chain(error: BaseException) -> list[BaseException]:
    links: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in links:
        links.append(link)
        link = link.__cause__ or link.__context__
    return links
