"""One example of two runs: what was answered, whether that is another answer, and how its maps changed."""

from __future__ import annotations

from collections.abc import Sequence

from saliency_report.compare.change import Scores, map_change
from saliency_report.compare.match import has_same_text, matched
from saliency_report.compare.record import Alone, Answer, ExampleChange, MapChange
from saliency_report.page.answers import answer
from saliency_report.page.facts import off_by
from saliency_report.page.text import part, plural, preview
from saliency_report.record import ExampleResult, Failure, Model, Prediction, Report

_OWN = ("text", "text_pair", "prompt", "context", "question")


class Examples:
    """Examples of two reports, compared one by one."""

    def __init__(self, old: Report, new: Report) -> None:
        self._old, self._new = old.models, new.models
        self._scores: tuple[Scores, Scores] = (
            {aggregation.name: aggregation for aggregation in old.aggregations},
            {aggregation.name: aggregation for aggregation in new.aggregations},
        )

    def change(self, old: ExampleResult, new: ExampleResult) -> ExampleChange:
        """The change from one result to the other."""
        same = has_same_text(old, new)
        before, after = _answer(old.prediction), _answer(new.prediction)
        maps: list[MapChange] = []
        if same and old.failure is None and new.failure is None:
            weights = self._has_same_weights(old, new)
            maps = [map_change(old, new, pair, self._scores, weights) for pair in matched(old, new)]
        failed = old.failure is not None or new.failure is not None
        return ExampleChange(
            id=new.id,
            task=new.task,
            text=text_of(new) or text_of(old),
            status="failed" if failed else "text changed" if not same else "compared" if maps else "no map",
            models=(old.model, new.model),
            old=before,
            new=after,
            flipped=_flipped(before, after) if same else None,
            p_now=_probability(new.prediction, before) if same else None,
            failures=(_said(old.failure), _said(new.failure)),
            maps=maps,
            warnings=_merged(
                _warnings(old, self._old, maps[0].old.map if maps else None),
                _warnings(new, self._new, maps[0].new.map if maps else None),
            ),
            notes=[] if failed else _notes(old, new, maps, same),
        )

    def _has_same_weights(self, old: ExampleResult, new: ExampleResult) -> bool:
        if old.model is None or new.model is None:
            return False
        return is_same_model(self._old[old.model], self._new[new.model])


def is_same_model(old: Model, new: Model) -> bool:
    """Whether two models have the same weights in the same number format, as far as the records tell them."""
    told = all(model.revision or model.weights_sha256 for model in (old, new))
    # A folder of one revision may be called otherwise; a revision is a repository's own.
    named = old.weights_sha256 is not None or old.name == new.name
    alike = all(
        getattr(old, name) == getattr(new, name)
        for name in ("revision", "weights_sha256", "adapter_sha256", "adapter", "bits", "dtype")
    )
    return told and named and alike and not old.random_weights and not new.random_weights


def alone(result: ExampleResult) -> Alone:
    """An example that the other run does not have."""
    found = _answer(result.prediction)
    said = "failed" if result.failure else found.text if found else ""
    return Alone(id=result.id, task=result.task, text=text_of(result), answer=said)


def text_of(result: ExampleResult) -> str:
    """The example's own text."""
    said = [message["content"] for message in result.inputs.get("messages") or []]
    return " ".join([*(str(result.inputs[name]) for name in _OWN if result.inputs.get(name)), *said])


def _answer(prediction: Prediction | None) -> Answer | None:
    if prediction is None or prediction.stop == "continuation given":
        return None
    shown, _ = answer(prediction)
    given = [prediction.outcomes[index] for index in prediction.given]
    labels: list[str] | None = [outcome.label for outcome in given]
    if prediction.text is not None and not prediction.outcomes:
        labels = [prediction.text]
    elif prediction.link == "none" or not prediction.outcomes:
        labels = None
    return Answer(text=shown, labels=labels, probability=given[0].probability if len(given) == 1 else None)


def _flipped(old: Answer | None, new: Answer | None) -> bool | None:
    if old is None or new is None or old.labels is None or new.labels is None:
        return None
    return sorted(old.labels) != sorted(new.labels)


def _probability(prediction: Prediction | None, earlier: Answer | None) -> float | None:
    """What a model gives to the answer of the run before, where its outcomes tell."""
    if prediction is None or earlier is None or earlier.probability is None or not earlier.labels:
        return None
    found = [o.probability for o in prediction.outcomes if o.label == earlier.labels[0]]
    return found[0] if len(found) == 1 else None


def _said(failure: Failure | None) -> str | None:
    return None if failure is None else f"{failure.message} {failure.next_step}".strip()


def _warnings(result: ExampleResult, models: Sequence[Model], shown: int | None) -> list[str]:
    """What a reader has to know of one side: warnings, random weights, and a map that does not add up."""
    said = list(result.warnings)
    model = None if result.model is None else models[result.model]
    if model and model.random_weights:
        said.append(f"{model.name} has random weights ({', '.join(model.random_weights)}): its map says nothing.")
    if shown is not None:
        map_ = result.maps[shown]
        said += map_.warnings
        if map_.completeness and map_.completeness.verdict != "pass":
            roughly = " only roughly" if map_.completeness.verdict == "warn" else ""
            said.append(f"the map {'adds up' if roughly else 'does not add up'}{roughly}: {off_by(map_.completeness)}.")
    return said


def with_when(old: Sequence[str], new: Sequence[str]) -> list[tuple[str, str]]:
    """Each sentence once, and which of the runs say it."""
    when = {(True, True): "before and now", (True, False): "before", (False, True): "now"}
    return [(when[said in old, said in new], said) for said in dict.fromkeys([*old, *new])]


def _merged(old: list[str], new: list[str]) -> list[str]:
    return [f"{when.capitalize()}: {said}" for when, said in with_when(old, new)]


def _notes(old: ExampleResult, new: ExampleResult, maps: list[MapChange], same: bool) -> list[str]:
    if not same:
        what = "The text changed" if old.task == new.task else f"The task changed, from {old.task} to {new.task}"
        before = f": it was “{preview(text_of(old), 400)}”" if old.task == new.task else ""
        return [f"{what}{before}. Words of different texts are not compared."]
    if not maps:
        return []
    said = []
    first = maps[0]
    if not first.same_target:
        said.append(
            f"The two maps explain different numbers: {first.old.target} before, {first.new.target} now. "
            "A word can matter to both."
        )
    if first.old.method != first.new.method or first.old.score != first.new.score:
        said.append(
            "The two maps are of different kinds and units: compare which words are strong in each, and not how strong."
        )
    if any(text.of != "both" and text.text for text in first.texts):
        said.append("Some text, such as a chat template, was given to one of the models alone; it stands by itself.")
    return said + _left(old, new, maps)


def _left(old: ExampleResult, new: ExampleResult, maps: list[MapChange]) -> list[str]:
    """How many maps of either run have none to be compared with."""
    compared = len(maps) if maps[0].same_target else 0
    alone = [(len(run.maps) - compared, when) for run, when in ((old, "before"), (new, "now"))]
    if len(old.maps) == len(new.maps) == 1 or not any(count for count, _ in alone):
        return []
    # A token has a map a method.
    places = [(map_.target.first, map_.target.position) for map_ in new.maps]
    tokens, alike = len({*places}), len({places[change.new.map] for change in maps[:compared]})
    if all(map_.target.position is not None for map_ in new.maps) and alike < tokens:
        return [
            f"{part(alike, tokens, 'explained token', 'stands', 'stand')} at the same place and after the same text as "
            "before. The others follow another text, or there was none at their place; their words are not compared."
        ]
    said = " and ".join(f"{plural(count, 'map')} {when}" for count, when in alone if count)
    return [f"{said} without one of the same method and target in the other run."]
