"""Labels: what stands after every act, in whatever order files are merged; and how far two reviewers agree."""

import json
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import MalformedError
from doorward.lookback.labels.agreement import disagreements, measure_agreement, measure_kappa
from doorward.lookback.labels.labels import (
    MAX_TEXT,
    Act,
    Label,
    LabelSet,
    Undo,
    Wording,
    check_reviewer,
    format_act,
    id_of,
    merge,
    parse_act,
    purpose_words,
)
from tests_support.wordings import label_of, label_set

TEXT = st.text(st.characters(codec="utf-8"), max_size=40)


@st.composite
def acts(draw: st.DrawFn) -> Act:
    n = draw(st.integers(1, 50))
    by = draw(st.sampled_from(["AB", "CD", "law-1"]))
    if draw(st.booleans()):
        return Undo(n, "2026-05-04T12:00:00Z", by, draw(st.sampled_from(["0" * 32, "f" * 32])))
    wording = Wording(draw(TEXT), draw(TEXT), draw(TEXT), draw(TEXT))
    word = draw(st.sampled_from(["vague", "civil-immigration"]))
    tier = {"vague": "vague", "civil-immigration": "explicit"}[word]
    return Label(
        n, "2026-05-04T12:00:00.5Z", by, wording.digest, wording, word, tier, "random", draw(st.booleans())
    )


@given(acts())
def test_an_act_is_read_as_it_was_written(act: Act) -> None:
    line = format_act(act)
    assert "\n" not in line
    assert parse_act(line) == (id_of(act), act)
    assert format_act(parse_act(line)[1]) == line


@given(st.one_of(st.text(), st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps)))
def test_anything_else_is_malformed(text: str) -> None:
    with pytest.raises(MalformedError):
        parse_act(text)


@given(acts(), st.data())
def test_a_line_that_was_changed_by_hand_is_found(act: Act, data: st.DataObject) -> None:
    read = json.loads(format_act(act))
    name = data.draw(st.sampled_from(sorted(read)))
    read[name] = data.draw(st.sampled_from([None, 7, -1, "XY", [], {}, True, "\ud800", "explicit"]))
    if read == json.loads(format_act(act)):
        return
    with pytest.raises(MalformedError):
        parse_act(json.dumps(read))


def test_a_long_text_is_clipped_and_known_by_its_whole_digest() -> None:
    wording = Wording("x" * (MAX_TEXT + 5))
    act = Label(1, "2026-05-04T12:00:00Z", "AB", wording.digest, wording.clipped(), "vague", "vague", "rank")
    assert parse_act(format_act(act))[1] == act


def test_a_digest_of_another_text_is_refused() -> None:
    act = Label(1, "2026-05-04T12:00:00Z", "AB", Wording("a").digest, Wording("b"), "vague", "vague", "rank")
    with pytest.raises(MalformedError):
        parse_act(format_act(act))


@pytest.mark.parametrize("reviewer", ["", " ", "a b", "x" * 33, "-x", "näher", "a\n"])
def test_a_reviewer_is_a_short_word(reviewer: str) -> None:
    with pytest.raises(MalformedError, match="role or initials"):
        check_reviewer(reviewer)


def test_the_last_label_of_a_reviewer_stands_and_undoing_it_brings_back_the_one_before() -> None:
    labels = label_set(label_of("r", "vague"), label_of("r", "other-purpose"))
    (settled,) = labels.settle().values()
    assert (settled.label, settled.how) == ("other-purpose", "one")
    last = labels.ordered()[-1][0]
    undo = Undo(labels.next_number(), "2026-05-04T12:00:00Z", "AB", last)
    labels.add(id_of(undo), undo)
    (settled,) = labels.settle().values()
    assert settled.label == "vague"


def test_nobody_takes_back_what_somebody_else_said() -> None:
    labels = label_set(label_of("r", "vague"))
    undo = Undo(2, "2026-05-04T12:00:00Z", "CD", labels.ordered()[0][0])
    labels.add(id_of(undo), undo)
    assert [one.label for one in labels.settle().values()] == ["vague"]


def test_two_who_differ_are_in_conflict_until_a_third_settles_it() -> None:
    first, second = label_of("r", "vague"), label_of("r", "civil-immigration", by="CD")
    (settled,) = label_set(first, second).settle().values()
    assert (settled.how, settled.label, settled.tier, settled.decided) == ("conflict", None, None, False)
    third = label_of("r", "other-purpose", by="EF", adjudicates=True)
    (settled,) = label_set(first, second, third).settle().values()
    assert (settled.how, settled.label, settled.tier) == ("adjudicated", "other-purpose", "other")


def test_nobody_settles_their_own_dispute() -> None:
    first, second = label_of("r", "vague"), label_of("r", "civil-immigration", by="CD")
    (settled,) = label_set(first, second, label_of("r", "vague", adjudicates=True)).settle().values()
    assert settled.how == "conflict"


def test_two_who_cannot_tell_agree() -> None:
    (settled,) = (
        label_set(label_of("r", "cannot-tell"), label_of("r", "cannot-tell", by="CD")).settle().values()
    )
    assert (settled.how, settled.tier, settled.decided) == ("agreed", None, True)


@given(st.lists(st.lists(acts(), max_size=6), min_size=1, max_size=3))
def test_merging_does_not_depend_on_the_order_and_a_second_time_changes_nothing(
    files: list[list[Act]],
) -> None:
    sets = []
    for file in files:
        one = LabelSet()
        for act in file:
            one.add(id_of(act), act)
        sets.append(one)
    merged = [merge(order) for order in permutations(sets)]
    assert all(one.ordered() == merged[0].ordered() and one.settle() == merged[0].settle() for one in merged)
    assert merge([merged[0], *sets]).ordered() == merged[0].ordered()


def test_kappa_by_hand() -> None:
    # Cohen's textbook table: 20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no. Seen .70, by chance .5 * .6 + .5 * .4 = .50.
    pairs = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
    found = measure_kappa(pairs)
    assert found.share == pytest.approx(0.4)
    # Formula 13 by hand: diagonal .4(1-1.1*.6)^2 + .3(1-.9*.6)^2 = .10972; others .36(.1*1.1^2 + .2*.9^2)... see below.
    diagonal = 0.4 * (1 - 1.1 * 0.6) ** 2 + 0.3 * (1 - 0.9 * 0.6) ** 2
    others = 0.36 * (0.1 * (0.6 + 0.5) ** 2 + 0.2 * (0.4 + 0.5) ** 2)
    error = ((diagonal + others - (0.4 - 0.5 * 0.6) ** 2) / 50) ** 0.5 / 0.5
    assert found.low == pytest.approx(0.4 - 1.959964 * error, abs=1e-5)
    assert found.high == pytest.approx(0.4 + 1.959964 * error, abs=1e-5)
    assert 0.12 < error < 0.14


@pytest.mark.parametrize("pairs", [[], [("y", "y")] * 9])
def test_kappa_of_nothing_or_of_one_word_is_not_defined(pairs: list[tuple[str, str]]) -> None:
    assert measure_kappa(pairs).share is None


def test_kappa_of_full_agreement_is_one_and_of_full_disagreement_below_nought() -> None:
    assert measure_kappa([("a", "a"), ("b", "b")]).share == pytest.approx(1)
    assert measure_kappa([("a", "b"), ("b", "a")]).share == pytest.approx(-1)


def test_agreement_counts_what_both_labelled_and_leaves_out_whoever_settled() -> None:
    labels = label_set(
        label_of("1", "vague"), label_of("1", "vague", by="CD"),
        label_of("2", "vague"), label_of("2", "civil-immigration", by="CD"),
        label_of("2", "vague", by="EF", adjudicates=True),
        label_of("3", "vague"),
    )  # fmt: skip
    (found,) = measure_agreement(labels)
    assert (found.first, found.second, found.wordings, found.raw.share) == ("AB", "CD", 2, 0.5)
    assert found.table == {("vague", "vague"): 1, ("vague", "civil-immigration"): 1}
    assert disagreements(labels) == []


def test_a_purpose_is_explicit_where_the_lexicon_says_so() -> None:
    words = purpose_words({"civil": "c", "audit": "a"}, {"civil"})
    assert [(word.word, word.key, word.tier) for word in words] == [
        ("civil", "1", "explicit"),
        ("audit", "2", "other"),
    ]
