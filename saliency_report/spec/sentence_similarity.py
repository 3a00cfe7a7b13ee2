"""What an example of sentence-similarity says."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from saliency_report.spec.example import ExampleFields
from saliency_report.spec.values import Text, Truncate


class SentenceSimilarity(ExampleFields):
    """Which words of two texts make a model hold them alike."""

    task: Literal["sentence-similarity"]
    text: Text = Field(description="The first text.")
    text_pair: Text = Field(description="The text that it is compared with.")
    long: Truncate = Field("refuse", description="A text that is longer than the model takes: refuse it, or cut it.")
    pooling: Literal["mean", "cls", "max", "last"] | None = Field(
        None,
        description="How the vectors of tokens become the text's. Default: what the checkpoint's files for "
        "sentence-transformers say, else the mean.",
    )
