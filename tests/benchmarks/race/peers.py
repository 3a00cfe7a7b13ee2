"""captum and inseq, called as their documentation shows, with the settings at which each is fastest beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from race.floors import Row, padded
from race.rounds import Answer


def saliency(model: Any, rows: Sequence[Row], at_once: int = 1) -> Callable[[], Answer]:
    """captum's Saliency of the predicted class, so many texts at once in the order given."""
    from captum.attr import Saliency

    def logits(embeddings: Tensor, mask: Tensor) -> Tensor:
        found: Tensor = model(inputs_embeds=embeddings, attention_mask=mask).logits
        return found

    explainer = Saliency(logits)

    def work() -> Answer:
        found = []
        for start in range(0, len(rows), at_once):
            batch = rows[start : start + at_once]
            inputs = padded(batch, model.device)
            with torch.no_grad():
                predicted = model(**inputs).logits.argmax(dim=-1)
            embeddings = model.get_input_embeddings()(inputs["input_ids"]).detach().requires_grad_()
            gradients = explainer.attribute(
                embeddings, target=predicted, additional_forward_args=(inputs["attention_mask"],), abs=False
            )
            norms = gradients.float().norm(dim=-1).cpu()
            found += [own[: len(row["input_ids"])] for own, row in zip(norms, batch, strict=True)]
        return Answer(found)

    return work


def integrated_gradients(
    model: Any, rows: Sequence[Row], baselines: Sequence[list[int]], at_once: int | None = None
) -> Callable[[], Answer]:
    """captum's LayerIntegratedGradients at its default of 50 steps, all of a text's or so many points at once."""
    from captum.attr import LayerIntegratedGradients

    def logits(ids: Tensor, mask: Tensor) -> Tensor:
        found: Tensor = model(input_ids=ids, attention_mask=mask).logits
        return found

    explainer = LayerIntegratedGradients(logits, model.get_input_embeddings())

    def work() -> Answer:
        found, deltas = [], []
        for row, baseline in zip(rows, baselines, strict=True):
            inputs = padded([row], model.device)
            ids, mask = inputs["input_ids"], inputs["attention_mask"]
            reference = torch.tensor([baseline], device=model.device)
            with torch.no_grad():
                scores = model(**inputs).logits[0]
                target = int(scores.argmax())
                change = float(scores[target] - logits(reference, mask)[0, target])
            attributions = explainer.attribute(
                ids, baselines=reference, target=target, additional_forward_args=(mask,), internal_batch_size=at_once
            )
            found.append(attributions[0].sum(dim=-1).detach().float().cpu())
            deltas.append(abs(float(found[-1].double().sum()) - change) / abs(change))
        return Answer(found, {"worst delta": max(deltas), "points": 50.0})

    return work


def noise_tunnel(
    model: Any, rows: Sequence[Row], samples: int, noise: float, at_once: int | None = None
) -> Callable[[], Answer]:
    """captum's NoiseTunnel over Saliency, all samples or so many at once; its noise is its own."""
    from captum.attr import NoiseTunnel, Saliency

    def logits(embeddings: Tensor, mask: Tensor) -> Tensor:
        found: Tensor = model(
            inputs_embeds=embeddings.to(model.dtype),  # its noise is float32 whatever the model is
            attention_mask=mask.expand(len(embeddings), -1),
        ).logits
        return found

    explainer = NoiseTunnel(Saliency(logits))

    def work() -> Answer:
        found = []
        for row in rows:
            inputs = padded([row], model.device)
            with torch.no_grad():
                predicted = int(model(**inputs).logits.argmax())
            x = model.get_input_embeddings()(inputs["input_ids"]).detach()
            gradients = explainer.attribute(
                x.clone().requires_grad_(),
                nt_type="smoothgrad",
                nt_samples=samples,
                nt_samples_batch_size=at_once,
                stdevs=noise * float(x.max() - x.min()),
                target=predicted,
                additional_forward_args=(inputs["attention_mask"],),
                abs=False,
            )
            found.append(gradients[0].float().norm(dim=-1).cpu())
        return Answer(found)

    return work


def choices(model: Any, questions: Sequence[Sequence[Row]]) -> Callable[[], Answer]:
    """captum's Saliency of the chosen choice, one question at a time."""
    from captum.attr import Saliency

    def logits(embeddings: Tensor, mask: Tensor, types: Tensor) -> Tensor:
        found: Tensor = model(inputs_embeds=embeddings, attention_mask=mask, token_type_ids=types).logits
        return found

    explainer = Saliency(logits)

    def work() -> Answer:
        found = []
        for rows in questions:
            inputs = {name: tensor[None] for name, tensor in padded(rows, model.device).items()}
            with torch.no_grad():
                best = int(model(**inputs).logits.argmax())
            embeddings = model.get_input_embeddings()(inputs["input_ids"]).detach().requires_grad_()
            more = (inputs["attention_mask"], inputs["token_type_ids"])
            gradients = explainer.attribute(embeddings, target=best, additional_forward_args=more, abs=False)
            norms = gradients[0, best].float().norm(dim=-1).cpu()
            found.append(norms[: len(rows[best]["input_ids"])])
        return Answer(found)

    return work


def language_model(model: Any, tokenizer: Any, prompt: str, ids: list[int], known: int) -> Callable[[], Answer]:
    """captum's LLMGradientAttribution with gradient × activation of the embeddings: the prompt's columns only."""
    from captum.attr import LayerGradientXActivation, LLMGradientAttribution, TextTokenInput

    explainer = LLMGradientAttribution(LayerGradientXActivation(model, model.get_input_embeddings()), tokenizer)

    def work() -> Answer:
        found = explainer.attribute(TextTokenInput(prompt, tokenizer), target=torch.tensor(ids[known:]))
        assert found.token_attr is not None
        return Answer(list(found.token_attr.float().cpu()))

    return work


def each_token(model: Any, ids: list[int], known: int) -> Callable[[], Answer]:
    """captum's gradient × activation of the embeddings for each token of given ids: what its LLM class does."""
    from captum.attr import LayerGradientXActivation

    def log_probs(given: Tensor) -> Tensor:
        found: Tensor = model(given).logits[:, -1].float().log_softmax(dim=-1)
        return found

    explainer = LayerGradientXActivation(log_probs, model.get_input_embeddings())

    def work() -> Answer:
        model.requires_grad_(True)  # as a user has it, and as captum needs it: it asks for the layer's own slope
        found = []
        for end in range(known, len(ids)):
            own = explainer.attribute(torch.tensor([ids[:end]], device=model.device), target=ids[end])
            found.append(own[0, :known].float().sum(dim=-1).detach().cpu())
        model.requires_grad_(False)
        return Answer(found)

    return work


def inseq_matrix(model: Any, tokenizer: Any, prompt: str, text: str) -> Callable[[], Answer]:
    """inseq's input × gradient of a given continuation; its numbers are normalised, so they are not compared."""
    import inseq

    explainer = inseq.load_model(model, "input_x_gradient", tokenizer=tokenizer)

    def work() -> Answer:
        explainer.attribute(prompt, text, show_progress=False)
        return Answer([])

    return work
