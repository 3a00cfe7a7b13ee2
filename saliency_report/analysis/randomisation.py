"""Would a model that learned nothing give the same map? The gradient's map again, with weights drawn anew."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

from saliency_report import scheduling
from saliency_report.aggregation import token_scores, word_scores
from saliency_report.analysis.maps import first_scores
from saliency_report.analysis.subject import Subject, measured_tokens
from saliency_report.engine import Job, is_out_of_memory
from saliency_report.engine.randomise import randomised
from saliency_report.errors import ExampleError
from saliency_report.metrics.rank import spearman
from saliency_report.packing import Budget, Company
from saliency_report.record import Randomisation, Stage
from saliency_report.scheduling import Ask, Question
from saliency_report.tasks.base import blocks

ALIKE = 0.5  # a smaller |correlation| is called another map
TWICE = ExampleError(
    "Memory ran out: the weights are there twice for a while.",
    "Leave `randomisation` out, or use a smaller model or another --device.",
)
FEWEST_WORDS = 4  # any two orders of three words have a |correlation| of 0.5 or more


def randomisations(subjects: Mapping[int, Subject], company: Company, budget: Budget) -> dict[int, Randomisation | str]:
    """The check of each example that asks for it, or why it could not be made.

    The weights belong to all examples of a model, so those with the same mode and seed are checked together, one stage
    after the other; afterwards the weights are what they were. Adebayo et al. 2018, arXiv:1810.03292.
    """
    found: dict[int, Randomisation | str] = {}
    settings = {(s.example.randomisation, s.example.seed) for s in subjects.values()}
    for mode, seed in sorted(settings):
        if mode == "none":
            continue
        chosen = {k: s for k, s in subjects.items() if (s.example.randomisation, s.example.seed) == (mode, seed)}
        loaded = next(iter(chosen.values())).facts.loaded
        counts = {place: len(subject.words(subject.headline)) for place, subject in chosen.items()}
        found |= {place: _said(_too_few(count)) for place, count in counts.items() if count < FEWEST_WORDS}
        stages: dict[int, list[Stage]] = {place: [] for place in chosen}
        try:
            with randomised(loaded, mode, seed) as parts:
                for name, parameters in parts:
                    open_ = [(place, _correlation(subject)) for place, subject in chosen.items() if place not in found]
                    for done in scheduling.run(open_, loaded, company, budget):
                        if done.error is not None:
                            found[done.key] = _said(done.error)
                        else:
                            stage = Stage(name=name, parameters=parameters, correlation=done.result)
                            stages[done.key].append(stage)
        except Exception as error:  # of the weights themselves, so of every example
            failure = TWICE if is_out_of_memory(error) else next(iter(chosen.values())).failure(error)
            found |= dict.fromkeys(chosen, _said(failure))
        for place, made in stages.items():
            if place not in found:
                last = made[-1].correlation
                falls = last is None or abs(last) < ALIKE
                found[place] = Randomisation(mode=mode, seed=seed, stages=made, falls=falls)
    return found


def _too_few(count: int) -> ExampleError:
    words = f"{count} word{'' if count == 1 else 's'}"
    text = f"The text has {words} that can be compared, {FEWEST_WORDS} are needed."
    return ExampleError(text, "Give a longer text, or leave `randomisation` out.")


def _said(error: Exception) -> str:
    return f"The check with random weights could not be made. {error}"


def _correlation(subject: Subject) -> Generator[Question, Any, float | None]:
    """Spearman correlation of the words' gradient norms with those of the trained model."""
    index, headline = subject.result.headline, subject.headline
    _, (gradient,) = yield Ask([Job(subject.functions[index])], gradient=True)
    tokens = blocks(subject.encoding(headline), measured_tokens(headline))
    scores = word_scores(token_scores(gradient, gradient, ("l2",)), tokens)["l2"].tolist()
    words = subject.words(headline)
    return spearman(first_scores(headline, words), [scores[word] for word in words])
