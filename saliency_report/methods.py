"""The attribution methods, each in its own words; the page explains a method with the text of its entry."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Method:
    """An attribution method: what it computes, and who described it."""

    name: str
    title: str
    sentence: str
    formula: str
    reference: str


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
        ),
    )
}
