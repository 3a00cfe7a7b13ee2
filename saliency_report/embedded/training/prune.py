"""Make a small encoder out of MiniLM: fewer layers, fewer word pieces, and fewer positions.

Two thirds of MiniLM-L6-H384 are not needed to read one sentence: its word table alone is 11.7 of 22.7 million
parameters. `prune` keeps every single character and every `##` character, so any text still tokenises, and of the
longer pieces the frequent ones and those that the training texts use.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import cast

from tokenizers import Tokenizer
from torch import nn
from transformers import BertModel, BertTokenizer, PreTrainedTokenizerBase
from transformers.models.bert.modeling_bert import BertLayer

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def choose_pieces(vocab: dict[str, int], counts: Counter[str], frequent: int, least: int) -> list[str]:
    """The pieces to keep, in their old order: special, single characters, ids below `frequent`, and used ones.

    BERT's vocabulary is sorted by frequency, so a low id is a frequent English word; `least` is how often the
    training texts must use any other piece.
    """

    def keep(piece: str) -> bool:
        single = len(piece.removeprefix("##")) == 1
        common = vocab[piece] < frequent and not piece.startswith("[unused")
        return piece in SPECIAL or single or common or counts[piece] >= least

    return sorted(filter(keep, vocab), key=vocab.__getitem__)


def keep_units(into: nn.Linear, out: nn.Linear, count: int) -> None:
    """Keep the `count` units between two linear layers whose product of weight norms is largest."""
    strength = into.weight.data.norm(dim=1) * out.weight.data.norm(dim=0)
    kept = strength.topk(count).indices.sort().values
    into.weight = nn.Parameter(into.weight.data[kept].clone())
    into.bias = nn.Parameter(into.bias.data[kept].clone())
    out.weight = nn.Parameter(out.weight.data[:, kept].clone())
    into.out_features = out.in_features = count


def prune(
    encoder: Path,
    texts: Iterable[str],
    *,
    layers: Sequence[int],
    positions: int,
    frequent: int,
    least: int,
    inner: int | None = None,
) -> tuple[BertModel, PreTrainedTokenizerBase]:
    """MiniLM in `encoder` reduced to `layers`, to `positions` tokens and to the pieces `choose_pieces` keeps.

    With `inner`, each feed-forward part keeps only so many of its units: those with the largest weights.
    """
    model = BertModel.from_pretrained(encoder)
    full = Tokenizer.from_file(str(encoder / "tokenizer.json"))
    full.no_truncation()
    full.no_padding()
    counts: Counter[str] = Counter()
    for encoding in full.encode_batch(list(texts), add_special_tokens=False):
        counts.update(encoding.tokens)
    old = full.get_vocab()
    pieces = choose_pieces(old, counts, frequent, least)

    words = model.embeddings.word_embeddings.weight.data[[old[piece] for piece in pieces]]
    model.embeddings.word_embeddings = nn.Embedding.from_pretrained(words.clone(), freeze=False, padding_idx=0)
    places = model.embeddings.position_embeddings.weight.data[:positions]
    model.embeddings.position_embeddings = nn.Embedding.from_pretrained(places.clone(), freeze=False)
    model.encoder.layer = nn.ModuleList([model.encoder.layer[index] for index in layers])
    config = model.config
    if inner is not None:
        for layer in cast(Iterable[BertLayer], model.encoder.layer):
            keep_units(layer.intermediate.dense, layer.output.dense, inner)
        config.intermediate_size = inner
    config.vocab_size, config.max_position_embeddings = len(pieces), positions
    config.num_hidden_layers = len(layers)
    tokenizer = BertTokenizer(
        vocab={piece: index for index, piece in enumerate(pieces)},
        do_lower_case=True,
        model_max_length=positions,
    )
    return model, tokenizer
