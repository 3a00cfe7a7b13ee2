"""Answers in contexts that are longer than the model takes: against windows that are made and run by hand."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from click.testing import CliRunner
from torch import Tensor

import tiny
from at_tokens import STEP, Plain, plain
from by_windows import LIMIT, places, run, text
from conftest import Explain
from explaining import check_alike, check_functions, count_parts, only, opened
from plain_model import map_of
from saliency_report.cli import main
from saliency_report.engine import parts
from saliency_report.page import render_page
from saliency_report.record import ExampleResult, Target, to_json
from saliency_report.tasks.answers import LONGEST

if TYPE_CHECKING:
    from browsing import Open

pytest_plugins = ["browsing"]

QUESTION = "What is the capital of France?"


def yaml(count: int = 110, more: str = "", family: str = "bert-answers", long: str = "windows", seed: int = 0) -> str:
    asked = f"question: '{QUESTION}', context: {text(count, seed)}, long: {long}{more}"
    return f"- {{task: question-answering, model: {family}, {asked}}}"


class ByHand:
    """A result with its model: what each window marks, and F with other ids or points."""

    def __init__(self, result: ExampleResult, model: Plain) -> None:
        self.encoding, self.model = result.encodings[0], model
        self.places = places(self.encoding)
        whole = model.tokenizer(*(segment.text for segment in self.encoding.segments), verbose=False)
        assert whole.input_ids == [token.id for token in self.encoding.tokens]
        self.ids = whole.input_ids
        self.types = whole.get("token_type_ids")
        self.logits = [self.run(row) for row in range(len(self.places))]

    def run(self, row: int, edits: dict[int, int] | None = None, points: Tensor | None = None) -> Tensor:
        """Start and end logits (t, 2) of a window, or (n, t, 2) of points (n, t, d)."""
        place = self.places[row]
        types = {} if self.types is None else {"token_type_ids": [self.types[i] for i in place]}
        return run(self.model, [(edits or {}).get(i, self.ids[i]) for i in place], points, types)

    def of(self, row: int, at: list[int], logits: Tensor, quantity: str = "logit") -> Tensor:
        """The number (…) of one answer."""
        values = logits if quantity == "logit" else logits.log_softmax(dim=-2)
        first, last = (self.places[row].index(token) for token in (at[0], at[-1]))
        total = values[..., first, 0] + values[..., last, 1]
        return total.exp() if quantity == "probability" else total

    def number(self, target: Target, logits: list[Tensor], quantity: str = "logit") -> Tensor:
        """F (…) of the logits of all windows."""
        assert target.window is not None
        own = self.of(target.window, target.at, logits[target.window], quantity)
        if not target.foil_at:
            return own
        assert target.foil_window is not None
        return own - self.of(target.foil_window, target.foil_at, logits[target.foil_window], quantity)

    def edited(self, target: Target, edits: dict[int, int], quantity: str = "logit") -> float:
        return float(self.number(target, [self.run(row, edits) for row in range(len(self.places))], quantity))

    def central(self, first: int, last: int) -> int | None:
        """The window with the most tokens on the side of an answer that has fewer; None where it stands in none."""
        end = len(self.places) - 1
        context = [[i for i in place if self.encoding.tokens[i].segment == 1] for place in self.places]
        rooms = {
            k: min(
                math.inf if k == 0 else place.index(first), math.inf if k == end else len(place) - place.index(last) - 1
            )
            for k, place in enumerate(context)
            if first in place and last in place
        }
        owners = {
            k
            for token in (first, last)
            for k, window in enumerate(self.encoding.windows)
            if window.scored_start < (self.encoding.tokens[token].end or 0) <= window.scored_end
        }
        if len(owners) == 1:
            return owners.pop()
        return max(rooms, key=lambda k: rooms[k]) if rooms else None


@pytest.fixture(scope="module")
def model(families: Path) -> Plain:
    return plain(families / "bert-answers", "question-answering")


def held(hand: ByHand, target: Target) -> list[int]:
    rows = {row for row in (target.window, target.foil_window) if row is not None}
    return sorted({token for row in rows for token in hand.places[row]})


@pytest.mark.parametrize("seed", [0, 1])
def test_the_likeliest_answers_are_the_best_of_all_windows(explain: Explain, model: Plain, seed: int) -> None:
    result = only(explain(yaml(seed=seed), dtype="float64"))
    hand, encoding = ByHand(result, model), result.encodings[0]
    assert len(hand.places) >= 3
    context = [i for i, token in enumerate(encoding.tokens) if token.segment == 1]
    spans = [(first, last) for first in context for last in range(first, first + LONGEST) if last in context]
    rows = {span: hand.central(*span) for span in spans}
    numbers = {span: float(hand.of(row, list(span), hand.logits[row])) for span, row in rows.items() if row is not None}
    best = sorted(numbers, key=lambda span: -numbers[span])
    none = [float(hand.of(row, [0], logits)) for row, logits in enumerate(hand.logits)]
    assert result.prediction is not None
    outcomes = result.prediction.outcomes
    absent = next(outcome for outcome in outcomes if outcome.label == "no answer")
    assert absent.logit == pytest.approx(min(none), rel=1e-9), "of the window that says so least"
    chance = hand.of(none.index(min(none)), [0], hand.logits[none.index(min(none))], "probability")
    assert absent.probability == pytest.approx(float(chance), rel=1e-9)
    others = [outcome for outcome in outcomes if outcome.label != "no answer"]
    assert [outcome.logit for outcome in others] == pytest.approx([numbers[s] for s in best[: len(others)]], rel=1e-9)
    assert len(others) >= 5
    assert outcomes == sorted(outcomes, key=lambda outcome: -outcome.logit)
    for row, window in enumerate(encoding.windows):
        assert window.answer is not None
        most = max([none[row], *(numbers[span] for span in spans if rows[span] == row)])
        assert window.answer.logit == pytest.approx(most, rel=1e-9)
    assert result.prediction.probabilities == (
        "Each probability is that of the start times that of the end within the answer’s own window. Answers of "
        "different windows are compared by their logits; “no answer” has those of the window that says so least."
    )


@pytest.mark.parametrize("quantity", ["logit", "probability"])
@pytest.mark.parametrize("more", ["", ", target: London", ", target: London, foil: Rome", ", foil: runner-up"])
def test_f_is_of_the_windows_of_target_and_foil(explain: Explain, model: Plain, quantity: str, more: str) -> None:
    more = f"{more}, quantity: {quantity}, no_answer: false"
    (map_,) = (result := only(explain(yaml(90, more, seed=31), dtype="float64"))).maps
    hand, target = ByHand(result, model), map_.target
    assert target.score == pytest.approx(float(hand.number(target, hand.logits, quantity)), rel=1e-9)
    if "Rome" in more:
        assert target.window != target.foil_window, "this test is about two windows"
    known = held(hand, target)
    assert len(known) < len(hand.ids)
    assert [i for i, score in enumerate(map_.scores["l2"]) if score is not None] == known
    assert target.window == hand.central(target.at[0], target.at[-1])
    table = model.model.get_input_embeddings().weight.detach()
    x = table[hand.ids]
    steps = STEP * torch.eye(x.shape[1], dtype=x.dtype)
    everywhere = [*known[::7], target.at[0], *target.foil_at[:1]]
    for token in dict.fromkeys(everywhere):
        points = x.expand(2 * len(steps), -1, -1).clone()
        points[:, token] += torch.cat([steps, -steps])
        logits = [hand.run(row, points=points[:, place]) for row, place in enumerate(hand.places)]
        values = hand.number(target, logits, quantity)
        g = (values[: len(steps)] - values[len(steps) :]) / (2 * STEP)
        assert map_.scores["l2"][token] == pytest.approx(float(g.norm()), rel=1e-5, abs=1e-8)
        assert map_.scores["gradient_x_input"][token] == pytest.approx(float(g @ x[token]), rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("more", ["", ", foil: Rome"])
def test_methods_and_evidence_are_about_what_was_read_together(explain: Explain, model: Plain, more: str) -> None:
    methods = "integrated_gradients, smoothgrad, occlusion, attention_rollout"
    asked = f", target: London{more}, methods: [{methods}], samples: 4, faithfulness: true, orders: 10, beam: 0"
    result = only(explain(yaml(90, f"{asked}, flips: 2, layers: true, randomisation: all", seed=31), dtype="float64"))
    hand, target = ByHand(result, model), result.maps[0].target
    known, mask = held(hand, target), model.tokenizer.mask_token_id
    outside = {*range(len(hand.ids))}.difference(known)
    assert len(result.maps) == 5
    for made in result.maps:
        for scores in made.scores.values():
            assert {scores[i] for i in outside} == {None}, made.method
    sums = map_of(result, "integrated_gradients").completeness
    assert sums is not None
    masked = {token: mask for token in known if token not in sums.kept}
    assert sums.baseline_score == pytest.approx(hand.edited(target, masked), abs=1e-9)
    assert sums.verdict == "pass"
    drops = map_of(result, "occlusion").word_scores["drop"]
    checked = 0
    for number, word in enumerate(result.encodings[0].words):
        within = [token for token in word.tokens if token in known]
        assert (drops[number] is None) == (word.special or not within)
        if within and not word.special and number % 5 == 0:
            checked += 1
            without = hand.edited(target, dict.fromkeys(within, mask))
            assert drops[number] == pytest.approx(target.score - without, abs=1e-8)
    assert checked > 5
    evidence = result.evidence
    assert evidence is not None
    assert evidence.faithfulness is not None
    assert evidence.direction is not None
    assert evidence.layers is not None
    assert evidence.randomisation is not None
    assert evidence.direction.flips
    for flip in evidence.direction.flips:
        after = hand.edited(target, {flip.position: flip.new_id})
        assert flip.actual == pytest.approx(after - target.score, abs=1e-8)


@pytest.mark.parametrize("family", tiny.ANSWERS)
def test_functions_give_the_explained_numbers_again(families: Path, family: str) -> None:
    for more in ("", ", quantity: log_prob", ", target: London, foil: Rome", ", foil: runner-up"):
        check_functions(opened(yaml(90, more, family, seed=31), families))


def test_a_batch_of_long_and_short_contexts_equals_each_alone(explain: Explain) -> None:
    examples = [yaml(count, ", foil: runner-up", seed=seed) for seed, count in enumerate((80, 12, 66))]
    together = explain("\n".join(examples), dtype="float64", budget=4096).examples
    for example, one in zip(examples, together, strict=True):
        alone = only(explain(example, dtype="float64", budget=1))
        assert one.maps[0].title == alone.maps[0].title
        check_alike(one.maps[0], alone.maps[0], rel=1e-7, whole=len(one.encodings[0].windows) == 0)


def test_windows_in_parts_have_the_numbers_of_all_at_once(explain: Explain, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = yaml(90, ", target: London, foil: Rome", seed=31)
    whole = only(explain(asked, dtype="float64"))
    monkeypatch.setattr(parts, "AT_ONCE", 100)
    passes = count_parts(monkeypatch)
    parted = only(explain(asked, dtype="float64", budget=64))
    assert passes
    check_alike(parted.maps[0], whole.maps[0], rel=1e-6, whole=False)


def test_a_context_that_is_cut_is_what_the_tokenizer_cuts(explain: Explain, model: Plain) -> None:
    result = only(explain(yaml(long="truncate"), dtype="float64"))
    segments = [segment.text for segment in result.encodings[0].segments]
    cut = model.tokenizer(*segments, truncation="only_second", max_length=LIMIT).input_ids
    assert [token.id for token in result.encodings[0].tokens] == cut
    whole = len(model.tokenizer(*segments, verbose=False).input_ids)
    count = sum(token.segment == 1 for token in result.encodings[0].tokens)
    (warning,) = result.warnings
    assert warning.startswith(
        f"Cut: the question and context are together {whole} tokens long, the model takes 64. It read the first "
        f"{count} tokens of the context; "
    )


@pytest.mark.parametrize(
    ("asked", "message", "advice"),
    [
        (
            yaml(110, f", target: {text(110)}"),
            f"target: no window holds all of {text(110)!r}.",
            "Copy fewer words of the context, or use a model with a longer context.",
        ),
        (
            yaml(20).replace(QUESTION, text(80)),
            "The model takes 64 tokens, which leaves no room for the context.",
            "Shorten the question, or use a model with a longer context.",
        ),
        (
            yaml(90, ", target: London", long="truncate", seed=31),
            "target: 'London' has no token that the model reads in the context.",
            "Copy words of the context.",
        ),
    ],
)
def test_what_cannot_be_read_is_said(explain: Explain, asked: str, message: str, advice: str) -> None:
    failure = explain(asked, debug=False).examples[0].failure
    assert failure is not None
    assert (failure.message, failure.next_step) == (message, advice)


def test_the_sentence_names_the_windows(explain: Explain, model: Plain) -> None:
    result = only(explain(yaml(90, ", target: London, foil: Rome", seed=31), dtype="float64"))
    target = result.maps[0].target
    hand = ByHand(result, model)
    assert target.window is not None
    assert target.foil_window is not None
    assert result.prediction is not None
    best = result.prediction.outcomes[0].label
    p = float(hand.of(target.window, target.at, hand.logits[target.window], "probability"))
    shown = f"= {p:.3f}" if p >= 0.0005 else "< 0.001"
    assert target.sentence == (
        f"start logit plus end logit of “London” in window {target.window + 1} of {len(hand.places)} minus that of "
        f"“Rome” in window {target.foil_window + 1} of {len(hand.places)}, asked for where “{best}” is the likeliest "
        f"answer, p of “London” {shown}, that of the start times that of the end"
    )


def test_on_the_page_each_window_has_its_answer(explain: Explain, visit: Open) -> None:
    report = explain(yaml(90, ", target: London, foil: Rome", seed=31))
    result = report.examples[0]
    encoding, target = result.encodings[0], result.maps[0].target
    page = visit(report)
    card = page.page.locator("#example-1")
    count = len(encoding.windows)
    assert card.locator(".maps [data-segment=context] .window").all_inner_texts() == [
        f"window {number}" for number in range(1, count + 1)
    ]
    assert card.locator(".maps [data-segment=question] .window").count() == 0
    assert card.locator(".windows .hint").inner_text() == (
        f"The context is longer than the model takes beside the question, so it was read in {count} windows of 64 "
        "tokens, which overlap; the question stands in each. The marks in the text say where the words begin that "
        "stand most centrally in the next window. An answer has its logits from the window that holds it whole and "
        "most centrally, and is explained from that window alone: what stands outside was not read together with it "
        "and has no number. Answers of different windows are compared by their logits."
    )
    card.locator(".windows summary").click()
    rows = [row.locator("td").all_inner_texts() for row in card.locator(".windows tbody tr").all()]
    assert [row[0] for row in rows] == [str(number) for number in range(1, count + 1)]
    assert [row[3] for row in rows] == [window.answer.label for window in encoding.windows if window.answer]
    said = card.locator(".maps .facts p").first.inner_text()
    assert target.window is not None
    assert target.foil_window is not None
    for window in (target.window, target.foil_window):
        assert f"window {window + 1} of {count}, from “" in said
    assert said.endswith(
        "The words outside both stand in grey: they were not read together with what is explained here and have no "
        "number, which is not the same as 0."
    )


def test_an_answer_across_a_border_is_of_the_window_with_more_of_the_context_around_it(
    explain: Explain, model: Plain
) -> None:
    """The question stands in every window and is no room on one side."""
    question, whole = f"{QUESTION} {QUESTION} {QUESTION[:-1]}", text(70, 3)

    def asked(target: str) -> ExampleResult:
        fields = f"question: '{question}', context: {whole}, long: windows, no_answer: false, target: {target}"
        return only(explain(f"- {{task: question-answering, model: bert-answers, {fields}}}", dtype="float64"))

    encoding = asked("London").encodings[0]
    assert len(encoding.windows) >= 3
    checked = 0
    for border in (window.scored_end for window in encoding.windows[:-1]):
        words = [word for word in encoding.words if word.segment == 1]
        last = next(i for i, word in enumerate(words) if (word.start or 0) >= border)
        target = whole[words[last - 1].start : words[last].end]
        if whole.find(target) != words[last - 1].start:
            continue
        result = asked(target)
        at = result.maps[0].target.at
        assert result.maps[0].target.window == ByHand(result, model).central(at[0], at[-1])
        checked += 1
    assert checked


def test_bytes_of_one_character_belong_to_the_window_that_holds_them(explain: Explain) -> None:
    """They share their place in the text, so that a place alone does not tell which side of a border each is on."""
    emoji = "😀😁😂🤣😃😄😅😆😉😊😋😎😍😘"
    for character in emoji[2:5]:
        asked = f"question: {'x' * 50}, context: {emoji}, long: windows, target: {character}"
        result = only(explain(f"- {{task: question-answering, model: roberta-answers, {asked}}}"))
        assert result.maps[0].target.label == character


@pytest.mark.parametrize("context", ["'[SEP]'", f"'{'cat ' * 80}{'[SEP] ' * 80}', long: windows, target: cat"])
def test_where_nothing_can_be_an_answer(explain: Explain, context: str) -> None:
    asked = f"question: '{QUESTION}', no_answer: false, context: {context}"
    report = explain(f"- {{task: question-answering, model: bert-answers, {asked}}}", debug=False)
    result = report.examples[0]
    if "target" in context:
        assert result.failure is None
        assert result.encodings[0].windows[-1].answer is None
        assert "<td>–</td><td><bdi>none possible</bdi></td>" in render_page(report)
        return
    assert result.failure is not None
    assert (result.failure.message, result.failure.next_step) == (
        "The context has no token that an answer could be made of.",
        "Write a context with words of its own.",
    )


def test_the_words_no_answer_may_be_an_answer(explain: Explain) -> None:
    context = f"{text(70, 1)} no answer {text(40, 2)}"
    asked = f"question: '{QUESTION}', context: {context}, long: windows, target: no answer"
    target = only(explain(f"- {{task: question-answering, model: bert-answers, {asked}}}")).maps[0].target
    assert target.sentence.startswith("start logit plus end logit of “no answer” in window ")
    assert "says so least" not in target.sentence.split(", asked for")[0]


def test_what_a_person_marked_outside_is_said_and_not_named(explain: Explain) -> None:
    words = text(90, 31).split()
    words[-2] = "Berlin"
    fields = f"question: '{QUESTION}', context: {' '.join(words)}, long: windows, target: Rome, no_answer: false"
    more = ", rationale: [capital, Berlin], assert: [{max_share: {'/Rome|Berlin/': 1}}]"
    result = only(explain(f"- {{task: question-answering, model: bert-answers, {fields}{more}}}"))
    assert result.warnings[-1] == (
        "rationale: the map shown first has no number for 'Berlin'; how well it finds marked words is without it."
    )
    assert result.maps[0].plausibility is not None
    (asserted,) = result.assertions
    assert asserted.found.endswith("\u00a0% on Rome")


def test_a_foil_that_another_method_leaves_out_is_not_grey(explain: Explain, visit: Open) -> None:
    more = ", target: London, foil: Rome, removal: delete, methods: occlusion"
    report = explain(yaml(90, more, seed=31))
    occlusion = report.examples[0].maps[1]
    foil = next(w for w in range(len(occlusion.word_scores["drop"])) if is_foil(report.examples[0], w))
    assert occlusion.word_scores["drop"][foil] is None
    for scripts in (True, False):
        card = visit(report, scripts=scripts).page.locator("#example-1")
        grey = set(card.locator(".others .outside").all_inner_texts())
        read = [w for w, s in enumerate(report.examples[0].maps[0].word_scores["l2"]) if s is not None]
        assert grey
        assert card.locator(".others .outside").count() == card.locator(".maps .outside").count()
        assert foil in read


def is_foil(result: ExampleResult, word: int) -> bool:
    return bool({*result.encodings[0].words[word].tokens} & {*result.maps[0].target.foil_at})


def test_a_card_of_a_part_shows_the_rest_in_grey(explain: Explain, tmp_path: Path) -> None:
    report = explain(yaml(90, ", target: London", seed=31))
    (tmp_path / "r.json").write_text(to_json(report), encoding="utf-8")
    done = CliRunner().invoke(
        main, ["card", str(tmp_path / "r.json"), "--example", "example-1", "-o", str(tmp_path / "c")]
    )
    assert done.exit_code == 0, done.output
    (drawn,) = (tmp_path / "c").glob("*.svg")
    assert 'class="f-outside" fill="#6f7278"' in drawn.read_text(encoding="utf-8")
