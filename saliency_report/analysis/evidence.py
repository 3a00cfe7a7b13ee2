"""Evidence for or against the headline map: do its words matter to the model, and where does its gradient point?"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any

from saliency_report import directions
from saliency_report.aggregation import AGGREGATIONS
from saliency_report.analysis.maps import at_the_text, first_scores, measured
from saliency_report.analysis.subject import Subject, measured_tokens
from saliency_report.engine import Job
from saliency_report.engine.inside import layers
from saliency_report.errors import ExampleError
from saliency_report.metrics.agreement import agreement
from saliency_report.metrics.faithfulness import RankingInput, faithfulness_of
from saliency_report.metrics.rank import order
from saliency_report.metrics.rationale import plausibility
from saliency_report.record import Agreement, Direction, Faithfulness, Flip, Layers, Map, Plausibility
from saliency_report.scheduling import Alone, Ask, Question
from saliency_report.spec import own_texts, rationale_spans
from saliency_report.tasks.base import blocks
from saliency_report.tasks.generated import token_label, word_label
from saliency_report.tasks.target import Edits
from saliency_report.words import touched

# A perfect order must beat 19 of 20 random orders, of which some are perfect too. It does so with three words in 13 of
# 100 draws, with four in 80, with five in 99.
FEWEST_WORDS = 5
FLIPS_EACH_WAY = 3
NO_ORDER = "Explain the logit where the quantity is a probability, or leave `faithfulness` out."

Computing = Generator[Question, Any, Any]


def faithfulness(subject: Subject, maps: Sequence[tuple[int, Map]]) -> Generator[Question, Any, Faithfulness]:
    """What removing the words of each map does, the strongest first; maps of one target, with their indices.

    A map whose words all have the same score has no order, and is left out.

    Raises:
        ExampleError: there are too few words, the headline map has no order, or the tokenizer lacks the mask token.
    """
    headline = subject.headline
    function, words = subject.functions[subject.result.headline], subject.words(headline)
    if len(words) < FEWEST_WORDS:
        raise ExampleError(
            f"The text has {len(words)} word{'' if len(words) == 1 else 's'} that can be removed, {FEWEST_WORDS} are "
            "needed.",
            "Give a longer text, or leave `faithfulness` out.",
        )
    # A loss is tested as the log-probability that it is the negative of, which the words that support the answer raise.
    sign = _sign(headline)
    rankings = []
    for index, map_ in maps:
        method = subject.methods[map_.method]
        # The gradient times the input comes with every gradient, and is the one of its scores that has a sign to test.
        names = [method.scores[0], *(["gradient_x_input"] if method.name == "gradient" else [])]
        for name in names:
            first, scores = name == method.scores[0], _for_the_answer(map_, name, words)
            if len(set(scores)) == 1:
                continue
            rankings.append(
                RankingInput(
                    map_.method if first else name,
                    method.title if first else AGGREGATIONS[name].title,
                    index,
                    scores,
                    AGGREGATIONS[name].signed,
                )
            )
    if not rankings or rankings[0].name != headline.method:
        raise ExampleError("All words of the map have the same score: it has no order to test.", NO_ORDER)
    e = subject.example
    score, _ = yield Ask([Job(function)], gradient=False)
    asking = faithfulness_of(
        rankings,
        len(words),
        sign * float(score),
        removal=subject.removal,
        fractions=e.fractions,
        orders=e.orders,
        seed=e.seed,
        beam=e.beam,
    )
    try:
        subsets = next(asking)
        while True:
            edits = [subject.without(headline, [words[i] for i in sorted(subset)]) for subset in subsets]
            values, _ = yield Ask([Job(function, edits=edit) for edit in edits], gradient=False)
            subsets = asking.send((sign * values).tolist())
    except StopIteration as end:
        found: Faithfulness = end.value
        return found


def agreed(subject: Subject, maps: Sequence[tuple[int, Map]]) -> Agreement | None:
    """How alike the methods rank the words of the headline target that all of them measure; None without any."""
    words = measured(subject.words(subject.headline), *(map_ for _, map_ in maps))
    if not words:
        return None
    return agreement([map_.method for _, map_ in maps], [first_scores(map_, words) for _, map_ in maps])


def direction(subject: Subject) -> Generator[Question, Any, Direction]:
    """Where the gradient points: its cosine with the embedding, and the tokens it asks for, each tried out."""
    index, headline = subject.result.headline, subject.headline
    function, encoding = subject.functions[index], subject.encoding(headline)
    score, slopes = yield from at_the_text(subject, index)
    x, gradient = subject.embeddings(index).cpu(), slopes.cpu()
    words = subject.words(headline)
    strongest = [words[i] for i in order(first_scores(headline, words))[: subject.example.flips]]
    tokenizer: Any = subject.facts.loaded.checkpoint.tokenizer
    real = min(len(tokenizer), len(subject.facts.vocabulary))
    vocabulary = subject.facts.vocabulary[:real]
    flips: list[Flip] = []
    for word in strongest:
        tokens = [token for token in encoding.words[word].tokens if token < len(x)]
        token = max(tokens, key=lambda i: float(gradient[i].norm()))
        old = encoding.tokens[token].id
        banned = {*(i for i in tokenizer.all_special_ids if i < real), old}
        for ids in directions.candidates(gradient[token], x[token], vocabulary, banned, FLIPS_EACH_WAY):
            flips += [
                Flip(
                    position=token,
                    word=word,
                    old=token_label(tokenizer, old),
                    new=token_label(tokenizer, new),
                    new_id=new,
                    predicted=predicted,
                    actual=0.0,
                )
                for new, predicted in ids
            ]
    values, _ = yield Ask([Job(function, edits={flip.position: flip.new_id}) for flip in flips], gradient=False)
    answer, *answers = yield from _answers(subject, [{}, *({flip.position: flip.new_id} for flip in flips)])
    flips = [
        flip.model_copy(update={"actual": float(value) - score, "answer": then})
        for flip, value, then in zip(flips, values, answers, strict=True)
    ]
    count = len(headline.word_scores[headline.first_score])
    held = blocks(encoding, measured_tokens(headline))[:count]
    words_of = [[token for token in block if token < len(x)] for block in held]
    return Direction(
        cosine=directions.cosine(gradient, x),
        word_cosine=directions.word_cosine(gradient, x, words_of),
        flips=flips,
        agreeing=sum(flip.predicted * flip.actual > 0 for flip in flips),
        answer=answer,
    )


def _answers(subject: Subject, edits: Sequence[Edits]) -> Generator[Question, Any, list[str | None]]:
    """The likeliest label or token of the text with each of the edits; None where that is no answer."""
    function, prediction = subject.functions[subject.result.headline], subject.result.prediction
    # A label chosen among others by its one row, or a token: not choices, spans, several labels at once or numbers. Of
    # an entity the labels are not among the outcomes.
    one = subject.example.task == "text-classification" and prediction is not None and prediction.predicted is not None
    nameless = function.at_own and not (prediction and prediction.outcomes)
    if len(edits) == 1 or nameless or not (one or len(function.reads) == 1):
        return [None] * len(edits)
    likeliest = replace(function, score=lambda logits: logits.mean(dim=1).argmax(dim=-1).float())
    found, _ = yield Ask([Job(likeliest, edits=edit) for edit in edits], gradient=False)
    labels = {outcome.index: outcome.label for outcome in prediction.outcomes} if prediction else {}
    tokenizer, name = subject.facts.loaded.checkpoint.tokenizer, word_label if function.at_own else token_label
    return [labels.get(index) or name(tokenizer, index) for index in map(int, found)]


def layer_by_layer(subject: Subject) -> Generator[Question, Any, Layers]:
    """The gradient at every layer's hidden states."""
    function, loaded = subject.functions[subject.result.headline], subject.facts.loaded
    found: Layers = yield Alone(lambda: layers(loaded, function))
    known = set(function.held)

    def of_known(rows: list[list[float | None]]) -> list[list[float | None]]:
        return [[value if token in known else None for token, value in enumerate(row)] for row in rows]

    return Layers(
        names=found.names,
        gradient_norm=of_known(found.gradient_norm),
        gradient_x_activation=of_known(found.gradient_x_activation),
    )


def marked_words(subject: Subject, map_: Map, words: Sequence[int]) -> list[bool]:
    """Which words the example's rationale marks."""
    encoding, marks, example = subject.encoding(map_), rationale_spans(subject.example), subject.example
    texts = own_texts(example.task, example.model_dump())
    return [touched(encoding, encoding.words[i], texts, marks) for i in words]


def unmeasured_marks(subject: Subject, map_: Map) -> list[str]:
    """A sentence about what the example's rationale marks and the map has a number of in no place, if there is any."""
    encoding, example = subject.encoding(map_), subject.example
    texts = own_texts(example.task, example.model_dump())
    known = [encoding.words[i] for i in measured(subject.words(map_), map_)]
    found: dict[str, bool] = {}
    for name, start, end in rationale_spans(example):
        mark = texts[name][start:end]
        found[mark] = found.get(mark, False) or any(touched(encoding, w, texts, [(name, start, end)]) for w in known)
    shown = ", ".join(repr(mark) for mark, measured_there in found.items() if not measured_there)
    if not shown:
        return []
    return [f"rationale: the map shown first has no number for {shown}; how well it finds marked words is without it."]


def plausible(subject: Subject, map_: Map) -> Plausibility | None:
    """How well a map's strongest words are those of the example's rationale."""
    words = measured(subject.words(map_), map_)
    scores = [score for score in _for_the_answer(map_, map_.first_score, words) if score is not None]
    return plausibility(scores, AGGREGATIONS[map_.first_score].signed, marked_words(subject, map_, words))


def _sign(map_: Map) -> float:
    """What turns F, and scores with a sign, so that positive supports the answer: it holds its loss down."""
    return -1.0 if map_.target.quantity == "loss" else 1.0


def _for_the_answer(map_: Map, name: str, words: Sequence[int]) -> list[float | None]:
    """Scores of words, None where there is none; those with a sign are positive for what supports the answer."""
    sign = _sign(map_) if AGGREGATIONS[name].signed else 1.0
    return [None if (score := map_.word_scores[name][word]) is None else sign * score for word in words]
