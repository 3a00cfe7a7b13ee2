"""Architectures that transformers loads but whose maps would be wrong, or of nothing: why, as the user is told."""

from __future__ import annotations

from saliency_report.errors import ExampleError

_PAGE = "it reads where each word stands on a page, and a text alone does not say"
_SPEECH = "it writes down what it hears, and an example has no sound"
_DRAFT = "it drafts for another model: it reads that model's hidden states, and passes over the ids it is given"
_MUSIC = "it goes on with music, not with text"

# By the model_type of a configuration. Each reason was seen in the code of transformers 5.23, and where it is about the
# gradient also in numbers: autograd's is 1 to 50 % from central differences for YOSO, and 100 % for HRM.
REFUSED: dict[str, str] = {
    "bros": _PAGE,
    "canine": "it has no table of word embeddings, and hashes each character into several tables",
    "cpmant": "it reads what it has written in both directions, and one pass does not show what a token came from",
    "gemma4_assistant": _DRAFT,
    "gemma4_unified_assistant": _DRAFT,
    "hrm_text": "it runs its first cycles without gradients, so that they leave a part of the model out",
    "layoutlm": _PAGE,
    "layoutlmv2": _PAGE,
    "layoutlmv3": _PAGE,
    "lilt": _PAGE,
    "lxmert": "it answers about an image, and an example has none",
    "markuplm": "it reads where each word stands in an HTML document, and a text alone does not say",
    "mra": "without a CUDA kernel of its own, transformers puts zeros in the place of its attention",
    "musicgen": _MUSIC,
    "musicgen_melody": _MUSIC,
    "perceiver": "transformers does not say where it looks words up: its input embeddings are those of its latents",
    "reformer": "its reversible layers give gradients in training mode only, in which it drops units at random",
    "tapas": "it reads a table, and an example has none",
    "yoso": "its attention hands back an estimate of its gradient, not the derivative of what it computes",
} | dict.fromkeys(
    [
        "audioflamingo3",
        "glmasr",
        "granite_speech",
        "granite_speech_plus",
        "moss_transcribe_diarize",
        "musicflamingo",
        "nemo_speechlm",
        "qwen2_audio",
        "qwen3_asr",
        "vibevoice_asr",
        "voxtral",
        "voxtral_realtime",
    ],
    _SPEECH,
)


def check_supported(model_type: str, name: str) -> None:
    """Refuse a model whose architecture is in the table.

    Raises:
        ExampleError: the reason, about the model called `name`.
    """
    if model_type in REFUSED:
        raise ExampleError(
            f"The model {name!r} is of the architecture {model_type}, which is not supported: {REFUSED[model_type]}.",
            "Choose a model of another architecture.",
        )
