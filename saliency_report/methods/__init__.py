"""The attribution methods, each in its own words; the page explains a method with the text of its entry.

A new method is one function of a `Start` and one entry of the table.
"""

from __future__ import annotations

from saliency_report.aggregation import GRADIENT_SCORES
from saliency_report.methods.base import (
    Answer,
    Attribution,
    Estimate,
    Evaluated,
    Method,
    Options,
    Question,
    Start,
    Steps,
    Values,
    answers,
    drive,
    start_at,
)
from saliency_report.methods.gradient import gradient
from saliency_report.methods.noise import jackknife, smoothgrad, smoothgrad_squared, vargrad
from saliency_report.methods.path import completeness, gauss_legendre, integrated_gradients

__all__ = [
    "METHODS",
    "Answer",
    "Attribution",
    "Estimate",
    "Evaluated",
    "Method",
    "Options",
    "Question",
    "Start",
    "Steps",
    "Values",
    "answers",
    "completeness",
    "drive",
    "gauss_legendre",
    "gradient",
    "integrated_gradients",
    "jackknife",
    "smoothgrad",
    "smoothgrad_squared",
    "start_at",
    "vargrad",
]

METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method(
            "gradient",
            "Gradient",
            "The derivative of the explained number with respect to each token's word embedding, at the text as it "
            "stands. It says how the answer reacts to a small change of a token, not what would happen without it.",
            "g = ∂F/∂x",
            "Simonyan, Vedaldi and Zisserman 2013, arXiv:1312.6034; for text, Bastings et al. 2021, arXiv:2111.07367",
            GRADIENT_SCORES,
            gradient,
            compares=False,
        ),
        Method(
            "integrated_gradients",
            "Integrated gradients",
            "Goes from a baseline, in which the words are blotted out, to the text in small steps, and shares out the "
            "change of the explained number among the tokens; those that the baseline keeps, such as special ones, "
            "have no share. What it says holds against that baseline only, another one gives another map; and it can "
            "be trusted only as far as the shares add up to the change, which is stated beside the map.",
            "a = (x − x′) ⊙ ∫₀¹ ∂F/∂x(x′ + α (x − x′)) dα",
            "Sundararajan, Taly and Yan 2017, arXiv:1703.01365",
            ("attribution", "attribution_l2", "attribution_l1", "attribution_max"),
            integrated_gradients,
        ),
        Method(
            "smoothgrad",
            "SmoothGrad",
            "The mean of the gradients at copies of the text with a little noise on their embeddings: how the answer "
            "reacts to a small change of a token, at the text and around it. It does not say what would happen without "
            "the token, and with other noise its numbers move by about their standard errors.",
            "a = (1/n) Σᵢ gᵢ,  gᵢ = ∂F/∂x at x + σ εᵢ",
            "Smilkov et al. 2017, arXiv:1706.03825",
            GRADIENT_SCORES,
            smoothgrad,
            compares=False,
        ),
        Method(
            "smoothgrad_squared",
            "SmoothGrad²",
            "The mean of the squared gradients at copies of the text with a little noise: how strongly the answer "
            "reacts to a token, whether or not the copies agree on the direction. It has no sign, and squaring makes "
            "the differences between tokens look larger than they are in the gradient.",
            "a = (1/n) Σᵢ gᵢ²",
            "Hooker et al. 2019, arXiv:1806.10758",
            ("mean_square", "max_mean_square"),
            smoothgrad_squared,
            compares=False,
        ),
        Method(
            "vargrad",
            "VarGrad",
            "The variance of the gradients at copies of the text with a little noise: how much the answer's reaction "
            "to a token changes from one copy to the next. A token to which the answer reacts strongly but always "
            "alike has a low value, so a low value does not say that the token is without effect.",
            "a = (1/n) Σᵢ (gᵢ − ḡ)²",
            "Adebayo et al. 2018, arXiv:1810.03292",
            ("variance", "max_variance"),
            vargrad,
            compares=False,
        ),
        Method(
            "occlusion",
            "Occlusion",
            "What the explained number loses when the token is taken out of the text, measured by asking the model "
            "again; special tokens stay, and have no number. The text with the gap may be unlike any that the model "
            "has seen, and of two words that say the same neither may seem to matter, because the other one is still "
            "there.",
            "F(x) − F(x without the token)",
            "Zeiler and Fergus 2014, arXiv:1311.2901; for text, Li, Monroe and Jurafsky 2016, arXiv:1612.08220",
            ("drop",),
        ),
        Method(
            "attention_rollout",
            "Attention rollout",
            "How much attention arrives from each token when the attention of all layers is followed through the "
            "model. It asks at which positions the answer is read and not which answer it is, it has no sign, and "
            "attention paid to a token does not prove that the answer depends on it.",
            "Ãₗ = ½ (Aₗ + I), the mean over heads;  R = Ãₗ ⋯ Ã₂ Ã₁",
            "Abnar and Zuidema 2020, arXiv:2005.00928",
            ("attention",),
        ),
        Method(
            "gradient_x_attention",
            "Gradient × attention",
            "The attention of all layers followed through the model, each weight counted by how much raising it would "
            "raise the explained number. It leaves out attention that lowers the number and everything that the "
            "model does outside its attention, so a low value does not say that the token is without effect.",
            "Āₗ = mean over heads of (∂F/∂Aₗ ⊙ Aₗ)⁺;  R ← R + Āₗ R",
            "Chefer, Gur and Wolf 2021, arXiv:2103.15679",
            ("attention",),
        ),
    )
}
