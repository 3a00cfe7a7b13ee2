"""Where a model looks words up: every lookup of the text's ids gets the same leaf, so that its gradient is whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from saliency_report.errors import ExampleError

NOT_SUPPORTED = "This architecture is not supported."


class Given(NamedTuple):
    """Ids (n, k) of a text or of a target prefix, and the columns (n, k) of the leaf that hold them; −1 is padding."""

    ids: Tensor
    columns: Tensor | None


class Lookups:
    """The lookups of one pass, and the leaf (n, longest, d) that stands in the place of what they find.

    A row of the leaf holds what is found for the text and, after it, for the target prefix where there is one. A model
    may look the same ids up twice: BART classifies with a decoder that reads the text once more, one position later.
    Such a lookup is given the same rows, so that the gradient is of moving a word wherever it stands. What a model adds
    of its own, as the token that its decoder starts with, stays what it is.
    """

    def __init__(self, model: Any, points: Tensor | None) -> None:
        self.leaves: list[Tensor] = []  # the leaf, once it has been used
        self._model = model
        self._points = points
        self._leaf: Tensor | None = None
        self._given: list[Given] = []
        self._found: set[int] = set()  # which of the given ids were looked up

    def hooks(self) -> list[RemovableHandle]:
        """Put the hooks on the model."""
        begin = self._model.register_forward_pre_hook(self._begin, with_kwargs=True)
        return [
            begin,
            *(table.register_forward_hook(self._replace, with_kwargs=True) for table in _shared(self._model)),
        ]

    def check(self) -> None:
        """Refuse a pass that read no embeddings of what it was given, as its gradient would be 0 there."""
        if len(self._found) < len(self._given):
            raise ExampleError("The model does not look up all that it is given.", NOT_SUPPORTED)

    def _begin(self, model: nn.Module, args: tuple[Any, ...], inputs: Mapping[str, Any]) -> None:
        self._leaf = None  # the lookups that it is made from are passed over
        leaf = looked_up(model, inputs)
        if self._points is not None:
            points = self._points.to(leaf.dtype)
            points = nn.functional.pad(points, (0, 0, 0, leaf.shape[1] - points.shape[1]), value=torch.nan)
            # Not by what is finite after the rounding: a point beyond float16's range must make F overflow, not vanish.
            leaf = points.where(~points.isnan(), leaf)
        self._given = _given(inputs)
        self._leaf = leaf.detach().requires_grad_(torch.is_grad_enabled())

    def _replace(self, table: nn.Module, args: tuple[Any, ...], inputs: Mapping[str, Any], output: Tensor) -> Any:
        if self._leaf is None:
            return None
        ids = args[0] if args else next(iter(inputs.values()))
        if isinstance(output, tuple):  # I-BERT gives the scale of its integers too
            return (self._replace(table, args, inputs, output[0]), *output[1:])
        # The text comes first; a prefix that reads like it is met after it.
        for which in (1, 0) if self._found else (0, 1):
            for turned in (False, True):  # XLNet has its positions first
                own = ids.t() if turned and ids.dim() == 2 else ids
                if which < len(self._given) and (offset := _offset(own, self._given[which].ids)) is not None:
                    self._note(which, table)
                    if turned:
                        return self._filled(output.transpose(0, 1), offset, self._given[which]).transpose(0, 1)
                    return self._filled(output, offset, self._given[which])
        pad = getattr(self._model.config, "pad_token_id", None)
        if pad is not None and bool((ids == pad).all()):  # what a model fills its windows with
            return None
        raise ExampleError("The model looks up other words than those of the text.", NOT_SUPPORTED)

    def _note(self, which: int, table: nn.Module) -> None:
        wanted = tables(self._model)[which]
        if table is not wanted and table.weight is not wanted.weight:
            raise ExampleError("The model looks the same words up in two tables.", NOT_SUPPORTED)
        self._found.add(which)

    def _filled(self, output: Tensor, offset: int, given: Given) -> Tensor:
        """What a lookup found (n, k, d), with the leaf in the place of what it found for the given ids."""
        assert self._leaf is not None
        if not self.leaves or self.leaves[-1] is not self._leaf:
            self.leaves.append(self._leaf)
        if given.columns is None and output.shape == self._leaf.shape and offset == 0:
            return self._leaf.clone()  # CTRL scales what it looked up in place
        end = min(offset + given.ids.shape[1], output.shape[1])
        if given.columns is None:
            part = self._leaf[:, : end - offset]
        else:
            columns = given.columns[:, : end - offset]
            rows = torch.arange(len(columns), device=columns.device)[:, None]
            part = self._leaf[rows, columns.clamp_min(0)].where((columns >= 0)[..., None], output[:, offset:end])
        return torch.cat([output[:, :offset], part, output[:, end:]], dim=1)


def looked_up(model: Any, inputs: Mapping[str, Any]) -> Tensor:
    """What a model finds for the ids of its inputs (n, longest, d), each row's target prefix right after its text."""
    given = _given(inputs)
    source, prefix = tables(model)
    with torch.no_grad():
        found = embedded(source, given[0].ids)
        if len(given) == 1:
            return found
        after = embedded(prefix, given[1].ids)
        columns = given[1].columns
        if after.shape[-1] != found.shape[-1] or columns is None:
            raise ExampleError("The model's encoder and decoder have embeddings of different sizes.", NOT_SUPPORTED)
        found = nn.functional.pad(found, (0, 0, 0, after.shape[1]))
        return found.scatter(1, columns[..., None].expand(after.shape), after)


def embedded(table: nn.Module, ids: Tensor) -> Tensor:
    """What a table gives for ids (n, t), (n, t, d)."""
    found: Tensor | tuple[Tensor, ...] = table(ids)
    return found[0] if isinstance(found, tuple) else found


def tables(model: Any) -> tuple[nn.Module, nn.Module]:
    """The word embeddings that a text is looked up in, and those of a target prefix."""
    own = model.get_input_embeddings()
    if not model.config.is_encoder_decoder:
        return own, own
    return _table(model.get_encoder(), own), _table(model.get_decoder(), own)


def _table(part: Any, own: nn.Module) -> nn.Module:
    """The table of an encoder or a decoder; FSMT's do not say which theirs is."""
    found = getattr(part, "embed_tokens", None) or part.get_input_embeddings()
    return found if isinstance(found, nn.Module) else own


def _shared(model: Any) -> list[nn.Module]:
    """The tables and those that share their weights: T5 has one for its encoder, one for its decoder, one for both."""
    own = tables(model)
    weights = [table.weight for table in own]
    found = [m for m in model.modules() if isinstance(m, nn.Embedding) and any(m.weight is w for w in weights)]
    return [*dict.fromkeys([*own, *found])]


def _given(inputs: Mapping[str, Any]) -> list[Given]:
    ids = inputs["input_ids"].flatten(0, -2)
    if "decoder_input_ids" not in inputs:
        return [Given(ids, None)]
    prefix, mask = inputs["decoder_input_ids"], inputs["attention_mask"]
    lengths = mask.sum(dim=1, keepdim=True)
    place = torch.arange(ids.shape[1] + prefix.shape[1], device=ids.device)
    source = place[: ids.shape[1]].where(mask > 0, -1)
    return [Given(ids, source), Given(prefix, lengths + place[: prefix.shape[1]])]


def _offset(ids: Tensor, given: Tensor) -> int | None:
    """Where the given ids begin among those of a lookup: at 0, at 1 after a token that starts a decoder, or at the end.

    Of a text that is read one position later the last token is not read.
    """
    if ids.shape == given.shape and ids.data_ptr() == given.data_ptr():  # no need to wait for a GPU's answer
        return 0
    if ids.dim() != 2 or len(ids) != len(given) or ids.shape[1] < given.shape[1]:
        return None
    more = ids.shape[1] - given.shape[1]
    for offset in dict.fromkeys((0, 1, more)):
        count = min(ids.shape[1] - offset, given.shape[1])
        if offset <= max(more, 1) and count > 0 and torch.equal(ids[:, offset : offset + count], given[:, :count]):
            return offset
    return None
