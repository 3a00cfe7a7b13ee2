"""The evidence on the page: the verdicts word for word, every number from the record, and nothing that is not there."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

import evidence_records
import method_records
import records
from conftest import Explain
from evidence_records import AGAINST
from faithfulness_records import FRACTIONS, aopc
from saliency_report.metrics.run import over_the_run
from saliency_report.page import colour, render_page, text
from saliency_report.page.evidence_parts import plausibility_view
from saliency_report.page.evidence_tables import correlation, number
from saliency_report.record import ExampleResult, Faithfulness, Flip, Ranking, Report
from test_page import ROOT, Element, Tree, example, tree

GOOD, BAD, UNTESTED, GENERATED = range(1, 5)
MINUS = "\N{MINUS SIGN}"


@pytest.fixture(scope="module")
def report() -> Report:
    return evidence_records.realistic()


@pytest.fixture(scope="module")
def root(report: Report) -> Element:
    return tree(report)


def part(article: Element, name: str) -> Element:
    return article.one("div", name)


def findings(article: Element, name: str) -> list[str]:
    return [p.words() for p in part(article, name).all("p") if {"finding", "caveat", "setup"} & set(p.classes)]


def cells(table: Element) -> list[list[str]]:
    return [[c.text() for c in row.all() if c.tag in ("td", "th")] for row in table.all("tr")]


def tables(article: Element, name: str) -> list[list[list[str]]]:
    return [cells(table) for table in part(article, name).all("table")]


def faith_of(result: ExampleResult) -> Faithfulness:
    assert result.evidence is not None
    assert result.evidence.faithfulness is not None
    return result.evidence.faithfulness


def test_the_test_says_how_it_was_made(root: Element) -> None:
    test = faith_of(evidence_records.realistic().examples[0])
    passed = [ranking.title for ranking in test.rankings[:-1] if ranking.beaten >= 19]
    assert 1 < len(passed) < 9
    assert findings(example(root, GOOD), "faithfulness") == [
        f"✓ More faithful than random. With all words F, the logit of NEGATIVE, is {number(test.score)}; "
        "with none of them it is 0.500.",
        "The scores of Gradient have no sign: it ranks high what holds F up and what holds it down alike. The test "
        "counts only what lowers F, so it can do badly although each of its words matters. "
        "Compare gradient × input, which has a sign.",
        f"More faithful than random here: {', '.join(passed[:-1])} and {passed[-1]}; "
        "9 rankings were tried, and of many some pass by chance.",
        "The mask token stands in the place of a removed word. 13 words, 20 random orders (seed 0). AOPC of all "
        f"orders lies between {number(test.lowest)} and {number(test.highest)}, as far as a beam search of width 2 "
        "found.",
    ]
    assert findings(example(root, GENERATED), "faithfulness")[-1] == (
        "Removed words are cut out of the text; the place of a causal model’s first token takes the beginning of a "
        "text. 6 words, 20 random orders (seed 0). "
        "The limits of AOPC were not searched, so there is no normalised AOPC."
    )


def test_table_of_rankings_is_that_of_the_record(root: Element, report: Report) -> None:
    test = faith_of(report.examples[0])
    head, *rows = tables(example(root, GOOD), "faithfulness")[0]
    assert head == [
        *("Ranking", "AOPC", "Normalised AOPC", "Comprehensiveness", "Sufficiency", "τ-LOO", "Beats random", "Sign")
    ]
    assert rows[:-1] == [
        [
            ranking.title,
            number(ranking.aopc),
            correlation(ranking.normalised_aopc),
            number(sum(ranking.comprehensiveness) / 5),
            number(sum(ranking.sufficiency) / 5),
            correlation(ranking.tau_loo),
            f"{ranking.beaten} of 20",
            "yes" if ranking.name in SIGNED else "no",
        ]
        for ranking in test.rankings
    ]
    assert [row[0] for row in rows] == [
        *("Gradient", "gradient × input"),
        *method_records.TITLES.values(),
        *("Leaving one word out", "Random orders, mean"),
    ]
    assert rows[-1] == ["Random orders, mean", number(sum(test.random.aopc) / 20), *"––––––"]
    assert rows[-2][5] == "–"
    caption = next(p for p in part(example(root, GOOD), "faithfulness").all("p", "title")).words()
    assert caption == (
        "High AOPC, normalised AOPC and comprehensiveness, and low sufficiency, say that the words ranked first hold "
        "F up. Comprehensiveness and sufficiency are means over 10 %, 20 %, 30 %, 40 % and 50 % of the words. "
        "τ-LOO is Kendall’s τ with the drops of F when each word alone is left out."
    )


SIGNED = {"gradient_x_input", "integrated_gradients", "occlusion", "leave_one_out"}


def test_every_value_of_the_curves_and_fractions_can_be_read(root: Element, report: Report) -> None:
    test = faith_of(report.examples[0])
    _, deletion, insertion, comprehensiveness, sufficiency = tables(example(root, GOOD), "faithfulness")
    titles = [ranking.title for ranking in test.rankings]
    for found, kind in ((deletion, "deletion"), (insertion, "insertion")):
        assert found[0] == ["Words", *map(str, range(14))]
        assert found[1:-3] == [[r.title, *map(number, getattr(r, kind))] for r in test.rankings]
        assert found[-3:] == [
            [f"Random orders, {name}", *map(number, getattr(test.random, f"{kind}_{field}"))]
            for field, name in (("mean", "mean"), ("low", "5th percentile"), ("high", "95th percentile"))
        ]
    for found, kind in ((comprehensiveness, "comprehensiveness"), (sufficiency, "sufficiency")):
        assert found[0] == ["Share of words", *(f"{share}\N{NO-BREAK SPACE}%" for share in (10, 20, 30, 40, 50))]
        assert [row[0] for row in found[1:]] == titles
        assert [row[1:] for row in found[1:]] == [[*map(number, getattr(r, kind))] for r in test.rankings]


def test_few_curves_are_drawn_at_first_and_each_has_a_line_of_its_own(root: Element) -> None:
    keys = list(part(example(root, GOOD), "faithfulness").all("label", "key"))
    boxes = [key.one("input") for key in keys]
    assert [key.words() for key, box in zip(keys, boxes, strict=True) if "checked" in box.attributes] == [
        *("Gradient", "gradient × input", "SmoothGrad", "Leaving one word out")
    ]
    lines = [box.attributes["data-line"] for box in boxes]
    assert len(set(lines)) == len(lines) == 10
    assert [key.one("span", "swatch").classes[1:] for key in keys] == [line.split() for line in lines]


@pytest.mark.parametrize("theme", [colour.LIGHT, colour.DARK], ids=["light", "dark"])
def test_lines_of_the_curves_stand_out_on_either_paper(theme: colour.Theme) -> None:
    style = (ROOT / "templates/evidence.css").read_text(encoding="utf-8")
    lines = re.findall(r"--(?:line\d|reference): (#\w{6});", style)
    assert len(set(lines)) == 7
    assert all(colour.contrast(line, theme.paper) >= 3.5 for line in lines)


def test_agreement_names_its_extremes_and_holds_half_a_matrix(root: Element, report: Report) -> None:
    proof = report.examples[0].evidence
    assert proof is not None
    assert proof.agreement is not None
    names = ["Gradient", *method_records.TITLES.values()]
    kendall = proof.agreement.kendall
    taus = [(kendall[a][b] or 0.0, names[b], names[a]) for a in range(8) for b in range(a)]
    low, high = min(taus), max(taus)
    assert findings(example(root, GOOD), "agreement") == [
        f"τ from {correlation(low[0])} ({low[1]} and {low[2]}) to {correlation(high[0])} ({high[1]} and {high[2]}); "
        "1 is the same order of words, 0 no relation, −1 the reverse order."
    ]
    assert [p.text() for p in part(example(root, GOOD), "agreement").all("p", "title")] == [
        "Kendall’s τ of the orders of words, signs left aside",
        "Share of the 3 strongest words that two methods have in common",
    ]
    found = tables(example(root, GOOD), "agreement")
    matrices: list[Sequence[Sequence[float | None]]] = [kendall, proof.agreement.overlap]
    for table, values in zip(found, matrices, strict=True):
        assert table[0] == ["", *"1234567"]
        for row, line in enumerate(table[1:]):
            assert line == [f"{row + 1} {names[row]}", *map(correlation, values[row][:row]), *[""] * (7 - row)]
    shades = [td.classes for td in part(example(root, GOOD), "agreement").one("table").all("td") if td.text()]
    assert shades == [[colour.css_class(kendall[a][b], 1.0, signed=True)] for a in range(8) for b in range(a)]


def test_two_methods_agree_in_one_sentence_and_one_method_not_at_all() -> None:
    result = method_records.review("smoothgrad")
    agreed = evidence_records.agreement(result)
    article = example(tree(method_records.report(evidence_records.with_evidence(result, agreement=agreed))), 1)
    assert findings(article, "agreement") == [
        f"τ = {correlation(agreed.kendall[1][0])} between Gradient and SmoothGrad; "
        "1 is the same order of words, 0 no relation, −1 the reverse order."
    ]
    flat = agreed.model_copy(update={"kendall": [[None, None], [None, None]]})
    article = example(tree(method_records.report(evidence_records.with_evidence(result, agreement=flat))), 1)
    assert findings(article, "agreement") == [
        "No two methods can be compared: at most one of them tells the words apart."
    ]
    alone = evidence_records.with_evidence(
        records.classification("one", "Good."),
        agreement=evidence_records.agreement(records.classification("1", "Good.")),
    )
    assert not list(example(tree(records.report(alone)), 1).all("section", "evidence"))


@pytest.mark.parametrize(
    ("last", "sentence"),
    [
        (0.081, "✓ With all weights random the map becomes another (ρ 0.08): it depends on what the model learned."),
        (
            -0.3,
            f"✓ With all weights random the map becomes another (ρ {MINUS}0.30): it depends on what the model learned.",
        ),
        (
            -0.77,
            f"✗ With all weights random the map keeps its order in reverse (ρ {MINUS}0.77): "
            "it shows the text or the architecture more than what the model learned.",
        ),
        (
            0.81,
            "✗ With all weights random the map stays alike (ρ 0.81): "
            "it shows the text or the architecture more than what the model learned.",
        ),
        (
            None,
            "✓ All words of the map, or of the map with all weights random, are equal: there is no order to compare.",
        ),
    ],
)
def test_random_weights_must_give_another_map(last: float | None, sentence: str) -> None:
    result = records.classification("one", "A plain text.")
    test = evidence_records.randomisation("cascading", last)
    test = test.model_copy(update={"falls": last is None or abs(last) < 0.5})
    article = example(tree(records.report(evidence_records.with_evidence(result, randomisation=test))), 1)
    assert findings(article, "randomisation") == [sentence]
    head, *rows = tables(article, "randomisation")[0]
    assert head == ["Random down to", "Weights drawn anew", "Spearman ρ"]
    assert rows == [[s.name, f"{s.parameters:,}", correlation(s.correlation)] for s in test.stages]
    shades = [
        row[-1].classes for row in map(list, (tr.all("td") for tr in part(article, "randomisation").all("tr"))) if row
    ]
    assert shades == [[c] if (c := colour.css_class(s.correlation, 1.0, signed=True)) else [] for s in test.stages]
    assert part(article, "randomisation").one("summary").text() == "5 stages, from the output down to the embeddings"


def test_flips_are_grouped_by_word_with_both_changes_and_their_signs(root: Element, report: Report) -> None:
    proof = report.examples[0].evidence
    assert proof is not None
    assert proof.direction is not None
    flips = proof.direction.flips
    assert [flip.old for flip in flips] == ["bad"] * 3 + ["hated"] * 3
    assert findings(example(root, GOOD), "direction")[0] == (
        "4 of 6 predicted signs hold in a real forward pass. The strongest of them: hated → good lowers the logit of "
        f"NEGATIVE by {number(-flips[3].actual)} (predicted {number(flips[3].predicted)})."
    )
    rows = tables(example(root, GOOD), "direction")[0]
    assert rows[0] == ["Word", "Token", "New token", "Predicted change", "True change", "Sign"]

    def signed(value: float) -> str:
        return f"+{number(value)}" if value > 0 else number(value)

    expected = [
        [f.old, f.new, signed(f.predicted), signed(f.actual), "✓ holds" if f.predicted * f.actual > 0 else "✗ differs"]
        for f in flips
    ]
    assert [row[-5:] for row in rows[1:]] == expected
    assert [row[0] for row in rows[1:] if len(row) == 6] == ["bad", "hated"]
    assert [row[-1] for row in rows[1:]] == ["✓ holds", "✓ holds", "✗ differs"] * 2
    words = [th for th in part(example(root, GOOD), "direction").all("th") if "rowspan" in th.attributes]
    assert [(th.text(), th.attributes["rowspan"]) for th in words] == [("bad", "3"), ("hated", "3")]


def test_a_flip_without_any_change_holds_nothing() -> None:
    result = evidence_records.everything(methods=False)
    still = Flip(position=1, word=1, old="This", new="That", new_id=5, predicted=0.5, actual=0.0)
    direction = evidence_records.direction(result).model_copy(update={"flips": [still], "agreeing": 0})
    article = example(tree(method_records.report(evidence_records.with_evidence(result, direction=direction))), 1)
    assert findings(article, "direction")[0] == "0 of 1 predicted sign holds in a real forward pass."
    assert tables(article, "direction")[0][1] == ["This", "This", "That", "+0.500", "0", "✗ differs"]
    assert part(article, "direction").one("summary").text() == "1 replacement of 1 word, predicted and tried"


def test_cosines_of_words_and_of_tokens_inside_them(root: Element, report: Report) -> None:
    proof, encoding = report.examples[0].evidence, report.examples[0].encodings[0]
    assert proof is not None
    assert proof.direction is not None
    head, *rows = tables(example(root, GOOD), "direction")[1]
    assert head == ["Text", "Cosine"]
    expected = []
    for index, word in enumerate(encoding.words):
        if word.special:
            continue
        expected.append(number(proof.direction.word_cosine[index]))
        expected += [number(proof.direction.cosine[t]) for t in word.tokens if len(word.tokens) > 1]
    assert [row[1] for row in rows] == expected
    assert [row[0] for row in rows[3:6]] == ["incredibly", "incr", "edibly"]
    shades = [td.classes[0] for td in list(part(example(root, GOOD), "direction").all("table"))[1].all("td")]
    assert [shade[0] for shade in shades] == ["n" if value.startswith(MINUS) else "p" for value in expected]
    assert {"n8", "p8"} & set(shades)
    assert all(int(shade[1:]) <= 8 for shade in shades)
    assert findings(example(root, GOOD), "direction")[1] == (
        "Gradient × input is ‖g‖ · ‖x‖ · cos(g, x). Above 0, a longer embedding raises F and a shorter one lowers it, "
        "to first order; below 0, shrinking the embedding raises F. Near 0, F reacts to where the embedding points "
        "and hardly to how long it is: gradient × input then comes out small, however long the gradient."
    )


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (["NEGATIVE"] * 6, "None of them changes the answer, NEGATIVE."),
        (["POSITIVE"] + ["NEGATIVE"] * 5, "1 of them changes the answer, NEGATIVE."),
        (["NEGATIVE"] * 4 + ["POSITIVE"] * 2, "2 of them change the answer, NEGATIVE."),
    ],
)
def test_a_replacement_that_changes_the_answer_is_counted_and_marked(answers: list[str], said: str) -> None:
    result = evidence_records.everything()
    found = evidence_records.direction(result)
    flips = [flip.model_copy(update={"answer": answer}) for flip, answer in zip(found.flips, answers, strict=True)]
    found = found.model_copy(update={"flips": flips, "answer": "NEGATIVE"})
    article = example(tree(method_records.report(evidence_records.with_evidence(result, direction=found))), 1)
    assert findings(article, "direction")[0].endswith(said)
    rows = tables(article, "direction")[0]
    assert [row[-1] for row in rows] == ["Answer then", *answers]
    assert [b.text() for b in part(article, "direction").one("table").all("b")] == [a for a in answers if a[0] == "P"]


def test_without_flips_only_the_cosines_are_there(root: Element) -> None:
    proof = part(example(root, GENERATED), "direction")
    assert [s.text() for s in proof.all("summary")] == ["Cosine of gradient and embedding, word by word"]
    assert "predicted" not in proof.text()


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ({0: 0.2}, ["In the last layer only [CLS] has a gradient: the answer is read there."]),
        ({0: 0.2, 3: 1e-9}, []),
        ({}, []),
    ],
)
def test_a_last_layer_with_one_gradient_says_why(last: dict[int, float], said: list[str]) -> None:
    result = evidence_records.everything()
    assert result.evidence is not None
    assert result.evidence.layers is not None
    *norms, final = result.evidence.layers.gradient_norm
    row = [last.get(token, 0.0) for token in range(len(final))]
    layers = result.evidence.layers.model_copy(update={"gradient_norm": [*norms, row]})
    result = result.model_copy(update={"evidence": result.evidence.model_copy(update={"layers": layers})})
    article = example(tree(method_records.report(result)), 1)
    assert [p.text() for p in part(article, "layers").all("p", "setup")] == said


def test_layers_are_columns_and_each_has_its_own_scale(root: Element, report: Report) -> None:
    proof, encoding = report.examples[0].evidence, report.examples[0].encodings[0]
    assert proof is not None
    assert proof.layers is not None
    found = list(part(example(root, GOOD), "layers").all("table"))
    for table, held, ramp in zip(
        found, (proof.layers.gradient_norm, proof.layers.gradient_x_activation), ("s", "pn"), strict=True
    ):
        values = [*map(records.measured, held)]
        head, *rows = cells(table)
        assert head == ["Token", "embeddings", "layer 1", "layer 2", "layer 3", "layer 4"]
        assert [row[1:] for row in rows] == [[*map(number, column)] for column in zip(*values, strict=True)]
        assert [rows[0][0], rows[-1][0]] == ["[CLS]", "[SEP]"]
        shades = [[td.classes for td in row.all("td")] for row in table.one("tbody").all("tr")]
        assert shades[0] == shades[-1] == [[]] * 5  # special tokens
        for layer, row in enumerate(values):
            end = max(abs(v) for v, token in zip(row, encoding.tokens, strict=True) if not token.special)
            steps = [shade[layer][0] for shade in shades[1:-1]]
            assert [int(step[1]) for step in steps] == [colour.step(v, end) for v in row[1:-1]]
            assert {step[0] for step in steps} <= set(ramp)
            assert any(step[1] == "8" for step in steps)


def test_marked_words_are_named_and_every_map_is_compared(root: Element, report: Report) -> None:
    article = example(root, GOOD)
    assert findings(article, "plausibility") == [
        "The 3 words that a person marked, against the map of Gradient: AUPRC 0.81, a random order has 0.23; "
        "F1 of the 3 strongest words 0.67. It says whether the map looks right to people, not whether the model "
        "obeys it.",
        "Marked: incredibly bad, hated.",
    ]
    head, *rows = tables(article, "plausibility")[0]
    assert head == ["Map", "AUPRC", "Chance", "F1", "IoU", "Marked words"]
    assert [row[0] for row in rows] == ["Gradient", *method_records.TITLES.values()]
    assert rows[0][1:] == ["0.81", "0.23", "0.67", "0.50", "3"]


def test_marked_code_points_are_those_of_the_first_text_that_the_example_has(explain: Explain) -> None:
    asked = "task: multiple-choice, model: bert-choice, question: the bad cat, choices: [cat, dog], rationale: [[4, 7]]"
    for context, marked in (("", "bad"), (", context: The cat sat", "cat")):
        report = explain(f"- {{{asked}{context}}}")
        shown = plausibility_view(report, report.examples[0])
        assert shown
        assert shown.marked == [marked]


def test_the_page_stays_sound(root: Element) -> None:
    ids = [e.attributes["id"] for e in root.all() if "id" in e.attributes]
    assert len(ids) == len(set(ids))
    links = [a.attributes["href"] for a in root.all("a")]
    assert {link.removeprefix("#") for link in links if "=" not in link} <= set(ids)
    assert not [e for e in root.all() if "style" in e.attributes]
    for table in root.one("section", "evidence").all("table"):
        assert table.attributes["aria-label"]
        widths = {
            sum(int(c.attributes.get("colspan", "1")) for c in row.children if isinstance(c, Element))
            for row in table.all("tr")
        }
        assert widths == {len(cells(table)[0])} or "flips" in table.classes
    names = [e.attributes["name"] for e in root.all("input") if e.attributes.get("name", "").startswith("layers")]
    assert names == ["layers-1"] * 2 + ["layers-2"] * 2


def test_hostile_text_stays_text() -> None:
    nasty = records.HOSTILE[0]
    result = evidence_records.everything(methods=False)
    proof = result.evidence
    assert proof is not None
    assert proof.direction is not None
    assert proof.layers is not None
    test = faith_of(result)
    flips = [
        flip.model_copy(update={"old": nasty, "new": records.HOSTILE[2], "answer": nasty})
        for flip in proof.direction.flips
    ]
    random = evidence_records.randomisation()
    stages = [stage.model_copy(update={"name": nasty}) for stage in random.stages]
    changes = {
        "faithfulness": test.model_copy(
            update={"rankings": [r.model_copy(update={"title": nasty}) for r in test.rankings]}
        ),
        "randomisation": random.model_copy(update={"stages": stages}),
        "direction": proof.direction.model_copy(update={"flips": flips, "answer": "NEGATIVE"}),
        "layers": proof.layers.model_copy(update={"names": [nasty] * len(proof.layers.names)}),
    }
    map_ = result.maps[0]
    aimed = map_.model_copy(update={"target": map_.target.model_copy(update={"label": nasty, "foil": nasty})})
    inputs = {**result.inputs, "rationale": [nasty]}
    result = result.model_copy(
        update={"maps": [aimed], "evidence": proof.model_copy(update=changes), "inputs": inputs, "id": nasty}
    )
    page = Tree(
        render_page(method_records.report(result, evidence=over_the_run([result.model_copy(update={"id": nasty})])))
    ).root
    plain = {element.tag for element in tree(evidence_records.realistic()).all()}
    assert {element.tag for element in page.all()} <= plain
    assert [e for e in page.one("section", "evidence").all("bdi", "token") if e.text() == text.label(nasty)]
    assert page.one("p", "faith").words().startswith("✓ More faithful than random: ")


def test_correlations_have_two_decimals_and_no_minus_zero() -> None:
    assert [correlation(value) for value in (0.615, -0.615, 0.005, -0.004, 1, None)] == [
        *("0.62", f"{MINUS}0.62", "0.01", "0.00", "1.00", "–")
    ]


@pytest.mark.parametrize("effects", [None, AGAINST], ids=["with the map", "against it"])
def test_records_of_the_tests_agree_with_themselves(effects: list[float] | None) -> None:
    test = faith_of(evidence_records.everything(effects=effects))
    words = test.grid[-1]
    assert test.grid == list(range(words + 1))

    def holds(ranking: Ranking) -> None:
        assert [ranking.deletion[0], ranking.deletion[-1]] == [test.score, test.empty_score]
        assert [ranking.insertion[0], ranking.insertion[-1]] == [test.empty_score, test.score]
        assert ranking.aopc == aopc(ranking.deletion)
        assert ranking.beaten == sum(other < ranking.aopc for other in test.random.aopc)
        counts = [max(1, int(share * words + 0.5)) for share in FRACTIONS]
        assert ranking.comprehensiveness == [test.score - ranking.deletion[k] for k in counts]
        assert ranking.sufficiency == [test.score - ranking.insertion[k] for k in counts]

    for ranking in test.rankings:
        holds(ranking)
    assert [r.beaten >= 19 for r in test.rankings if r.name in ("gradient", "leave_one_out")] == [
        effects is None,
        True,
    ]
    chance = test.random
    assert sum(chance.aopc) / 20 == pytest.approx(aopc(chance.deletion_mean))
    for kind in ("deletion", "insertion"):
        band = [getattr(chance, f"{kind}_{field}") for field in ("low", "mean", "high")]
        assert all(low - 1e-12 <= mean <= high + 1e-12 for low, mean, high in zip(*band, strict=True))
