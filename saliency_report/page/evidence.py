"""What the page shows of the evidence beside the maps: does it add up, and does the model obey it?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from saliency_report.page.evidence_faithfulness import (
    FaithfulnessView,
    curves_data,
    faithfulness_view,
)
from saliency_report.page.evidence_gradient import (
    DirectionView,
    LayersView,
    direction_view,
    layers_data,
    layers_view,
)
from saliency_report.page.evidence_parts import (
    AgreementView,
    PlausibilityView,
    RandomisationView,
    agreement_view,
    plausibility_view,
    randomisation_view,
)
from saliency_report.page.evidence_verdict import explained, verdict
from saliency_report.record import Evidence, ExampleResult, Report

__all__ = ["EvidenceView", "evidence_data", "evidence_view", "explained", "kinds", "verdict"]


@dataclass(frozen=True)
class EvidenceView:
    """The parts of one example's evidence that are there."""

    faithfulness: FaithfulnessView | None
    agreement: AgreementView | None
    randomisation: RandomisationView | None
    direction: DirectionView | None
    layers: LayersView | None
    plausibility: PlausibilityView | None


def evidence_view(report: Report, number: int, result: ExampleResult) -> EvidenceView | None:
    """The evidence of the example that is number `number` on the page; None without any."""
    if not result.maps:
        return None
    evidence = result.evidence or Evidence()
    view = EvidenceView(
        faithfulness=faithfulness_view(result, evidence.faithfulness),
        agreement=agreement_view(report, evidence.agreement),
        randomisation=randomisation_view(evidence.randomisation),
        direction=direction_view(result, evidence.direction),
        layers=layers_view(number, result, evidence.layers),
        plausibility=plausibility_view(report, result),
    )
    return view if any(vars(view).values()) else None


def evidence_data(result: ExampleResult) -> dict[str, Any] | None:
    """What the script draws of the evidence of one example; None where there is nothing to draw."""
    evidence = result.evidence
    if not result.maps or evidence is None:
        return None
    data: dict[str, Any] = {}
    if evidence.faithfulness and evidence.faithfulness.rankings:
        data["curves"] = curves_data(result, evidence.faithfulness)
    if evidence.layers and evidence.layers.names:
        data["layers"] = layers_data(result, evidence.layers)
    return data or None


def kinds(result: ExampleResult) -> set[str]:
    """The names of the parts of evidence that an example has, so that the page explains those and no others."""
    found = {"plausibility" if map_.plausibility else "" for map_ in result.maps}
    evidence = result.evidence if result.maps else None
    if evidence:
        found |= {
            "faithfulness" if evidence.faithfulness and evidence.faithfulness.rankings else "",
            "agreement" if evidence.agreement and len(evidence.agreement.names) > 1 else "",
            "randomisation" if evidence.randomisation and evidence.randomisation.stages else "",
            "direction" if evidence.direction else "",
            "flips" if evidence.direction and evidence.direction.flips else "",
            "layers" if evidence.layers and evidence.layers.names else "",
            "causal" if evidence.faithfulness and result.task == "text-generation" else "",
        }
    return found - {""}
