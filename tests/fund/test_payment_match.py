"""Payment lines held against claims: exact, in parts, split, contradicted, twice, reversed; whatever the order of files."""

from collections.abc import Iterable, Mapping
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.fund.ledger.decide import Posted, decide
from doorward.fund.ledger.operations import CloseYear, Pay, Refund, Submission
from doorward.fund.ledger.state import PAID, State
from doorward.fund.payments.lines import PaymentLine, read_payments
from doorward.fund.payments.match import Confirmed, Standing, ledger_of, match, proposals_of
from doorward.fund.payments.store import Held, submissions_of
from tests_support.fund import RULES, open_year, submission
from tests_support.payments import FORM, approved, file_of, row

CLAIMS = {
    "c-1": ("north", 100_00), "c-2": ("north", 250_00), "c-3": ("north", 250_00), "c-4": ("north", 70_00),
    "d-1": ("south", 100_00), "d-2": ("south", 30_00),
}  # fmt: skip


def lines_of(*rows: tuple[str, ...]) -> list[PaymentLine]:
    found, refused = read_payments(file_of(*rows), FORM)
    assert found is not None, refused
    return [line for _, line in found.lines]


class Book:
    """A ledger in memory into which matches are confirmed."""

    def __init__(self, claims: Mapping[str, tuple[str, int]] = CLAIMS) -> None:
        self.state, self.submitted, self.matches = State(RULES), list[Submission](), list[Confirmed]()
        for one in approved(dict(claims)):
            self.submit(one)

    def submit(self, one: Submission) -> None:
        answer = decide(self.state, one)
        assert isinstance(answer, Posted), answer
        self.state = answer.state
        self.submitted.append(one)

    def look(self, lines: Iterable[PaymentLine]) -> tuple[Standing, ...]:
        return match(lines, ledger_of(self.state, self.submitted), self.matches)

    def says(self, lines: Iterable[PaymentLine]) -> dict[str, str]:
        return {
            f"{one.line.number}{one.line.line}{'-' * (one.line.kind != 'paid')}": one.says
            for one in self.look(lines)
        }

    def confirm(self, lines: list[PaymentLine], *claims: str, exact: bool = False) -> int:
        """Confirm the proposals for these claims, or every exact one; return how many."""
        done = 0
        for name, one in sorted(proposals_of(self.look(lines)).items()):
            if one.exact if exact else one.claims == claims:
                made = Confirmed(name, "manager", one.lines, one.claims, one.returning)
                held = Held(ledger_of(self.state, self.submitted), (), tuple(lines), ())
                for each in submissions_of(made, held, "manager"):
                    self.submit(each)
                self.matches.append(made)
                done += 1
        return done

    def returned(self) -> int:
        return sum(one.operation.cents for one in self.submitted if isinstance(one.operation, Refund))

    def paid(self) -> list[str]:
        return sorted(one.id for one in self.state.claims.values() if one.status == PAID)


def test_voucher_cents_and_payee_are_exact_and_are_posted_by_nobody_but_a_person() -> None:
    book, lines = Book(), lines_of(row("P1", "c-1", "100.00"), row("P2", "INV-d-1", "100.00", vendor="V2"))
    assert book.says(lines) == {"P1": "exact", "P2": "exact"}
    assert book.paid() == []
    assert book.confirm(lines, exact=True) == 2
    assert book.paid() == ["c-1", "d-1"]
    assert book.says(lines) == {"P1": "posted", "P2": "posted"}
    assert book.confirm(lines, exact=True) == 0
    assert {one.operation.reference for one in book.submitted if isinstance(one.operation, Pay)} == {
        "P1",
        "P2",
    }


@pytest.mark.parametrize(
    ("voucher", "amount", "vendor", "says", "best"),
    [
        (
            "c-1",
            "100.00",
            "V2",
            "candidates",
            ("d-1",),
        ),  # d-1 fits in cents and payee; c-1 is another payee's
        ("c-1", "70.00", "V1", "part", None),
        ("c-9", "70.00", "V1", "candidates", ("c-4",)),
        ("c-9", "170.00", "V1", "candidates", ("c-1", "c-4")),
        ("c-1", "170.00", "V1", "candidates", ("c-1", "c-4")),
        ("c-9", "13.00", "V1", "unmatched", None),
        ("d-2", "250.00", "V1", "candidates", ("c-2",)),  # two fit alike: neither is taken by itself
        ("c-1 c-2", "350.00", "V1", "exact", ("c-1", "c-2")),
        ("c-1 c-2 c-3 c-4", "670.00", "V1", "exact", ("c-1", "c-2", "c-3", "c-4")),
        ("c-1 c-9", "350.00", "V1", "candidates", ("c-1", "c-2")),
    ],
)
def test_what_is_not_exact_gets_candidates_with_reasons(
    voucher: str, amount: str, vendor: str, says: str, best: tuple[str, ...] | None
) -> None:
    (found,) = Book().look(lines_of(row("P1", voucher, amount, vendor=vendor)))
    assert found.says == says
    if best is not None:
        assert found.proposals[0].claims == best
        assert found.proposals[0].fits
        assert found.proposals[0].why
    if says == "candidates":
        assert not any(one.exact for one in found.proposals)
        ranks = [(not one.fits, *one.rank) for one in found.proposals]
        assert ranks == sorted(ranks)


def test_a_named_claim_of_another_payee_or_sum_is_shown_with_why_not_and_cannot_be_confirmed() -> None:
    (found,) = Book().look(lines_of(row("P1", "c-1", "100.00", vendor="V2")))
    other = found.proposals[-1]
    assert (other.claims, other.fits) == (("c-1",), False)
    assert "the payee is another" in other.why
    assert other.id not in proposals_of([found])


def test_parts_wait_until_the_claim_is_whole_and_then_are_one_match() -> None:
    book = Book()
    some = lines_of(row("P1", "c-2", "100.00"), row("P2", "c-2", "50.00"))
    assert book.says(some) == {"P1": "part", "P2": "part"}
    assert book.look(some)[0].note == "15000 of 25000 cents came; a claim is paid whole"
    every = [*some, *lines_of(row("P3", "c-2", "100.00", day="2026-03-12"))]
    assert book.confirm(every, exact=True) == 1
    (paid,) = (one for one in book.submitted if isinstance(one.operation, Pay))
    assert (paid.day, paid.operation) == (date(2026, 3, 12), Pay("c-2", "P3"))
    assert set(book.says(every).values()) == {"posted"}


def test_two_lines_for_one_claim_are_not_both_taken_and_the_second_is_called_paid_before() -> None:
    book = Book()
    lines = lines_of(row("P1", "c-1", "100.00"), row("P2", "c-1", "100.00"))
    assert book.says(lines) == {"P1": "candidates", "P2": "candidates"}
    name = next(one.proposals[0].id for one in book.look(lines) if one.line.number == "P1")
    made = proposals_of(book.look(lines))[name]
    book.submit(submission(Pay("c-1", "P1")))
    book.matches.append(Confirmed(name, "manager", made.lines, made.claims))
    assert book.says(lines) == {"P1": "posted", "P2": "paid-before"}


def test_a_payment_that_was_posted_by_hand_is_found_by_its_number() -> None:
    book = Book()
    book.submit(submission(Pay("c-1", "P1")))
    lines = lines_of(row("P1", "c-1", "100.00"), row("P7", "c-1", "100.00"))
    assert book.says(lines) == {"P1": "posted", "P7": "paid-before"}


def begin_match(book: Book, lines: list[PaymentLine], name: str, posts: int = 0) -> tuple[Submission, ...]:
    """Confirm a proposal and die after some of its submissions; returns all of them."""
    one = proposals_of(book.look(lines))[name]
    made = Confirmed(name, "manager", one.lines, one.claims, one.returning)
    held = Held(ledger_of(book.state, book.submitted), (), tuple(lines), ())
    every = submissions_of(made, held, "manager")
    book.matches.append(made)
    for each in every[:posts]:
        book.submit(each)
    return every


def name_of(book: Book, lines: list[PaymentLine], number: str, line: str = "") -> str:
    (found,) = (one for one in book.look(lines) if (one.line.number, one.line.line) == (number, line))
    return found.proposals[0].id


def test_a_claim_that_was_paid_under_another_number_is_not_the_payment_that_was_confirmed() -> None:
    book, lines = Book(), lines_of(row("P1", "c-1 c-4", "170.00"))
    begin_match(book, lines, name_of(book, lines, "P1"))
    assert book.says(lines) == {"P1": "begun"}
    book.submit(submission(Pay("c-1", "P7")))
    (found,) = book.look(lines)
    assert (found.says, found.note) == (
        "contradicted",
        "`c-1` is paid under `P7`, and this payment was confirmed for it: was it paid twice?",
    )
    back = lines_of(row("R1", "c-1 c-4", "170.00", status="VOID", reverses="P1"))
    told = {one.line.number: one for one in book.look([*lines, *back])}["R1"]
    assert (told.says, told.note) == ("unmatched", "what it takes back is contradicted: post by hand")


def test_lines_that_contradict_each_other_are_not_matched() -> None:
    lines = lines_of(row("P1", "c-1", "100.00"), row("P1", "c-1", "100.01"), row("P1", "c-4", "70.00"))
    assert sorted(one.says for one in Book().look(lines)) == ["contradicted", "contradicted", "exact"]


def test_a_line_that_came_again_with_another_voucher_is_not_a_second_payment() -> None:
    lines = lines_of(row("P1", "c-1", "100.00", line="1"), row("P1", "c-4", "70.00", line="1"))
    assert [one.says for one in Book().look(lines)] == ["contradicted", "contradicted"]


@pytest.mark.parametrize(("amount", "vendor"), [("70.00", "V1"), ("100.00", "V2")])
def test_what_was_posted_by_hand_with_another_sum_or_payee_is_not_called_posted(
    amount: str, vendor: str
) -> None:
    book = Book()
    book.submit(submission(Pay("c-1", "P1")))
    (found,) = book.look(lines_of(row("P1", "c-1", amount, vendor=vendor)))
    assert found.says == "contradicted"
    assert found.note.startswith("10000 cents were posted by hand")


def test_more_than_was_paid_is_not_taken_back_by_two_reversals() -> None:
    book = Book()
    lines = lines_of(row("P1", "c-1", "100.00"))
    book.confirm(lines, exact=True)
    backs = lines_of(
        row("R1", "c-1", "60.00", status="VOID", reverses="P1"),
        row("R2", "c-1", "40.00", status="VOID", reverses="P1"),
    )
    assert book.says([*lines, *backs]) == {"P1": "posted", "R1-": "candidates", "R2-": "candidates"}
    more = [*lines, *backs, *lines_of(row("R3", "c-1", "0.01", status="VOID", reverses="P1"))]
    assert set(book.says(more).values()) == {"posted", "contradicted"}
    assert book.confirm([*lines, *backs], "c-1") == 2
    assert set(book.says([*lines, *backs]).values()) == {"posted"}
    assert book.says(more)["R3-"] == "contradicted"


def test_a_refund_of_two_claims_that_a_crash_cut_is_not_called_posted_and_goes_on() -> None:
    book = Book({"c-1": ("north", 100_00), "c-2": ("north", 250_00)})
    lines = lines_of(row("P1", "c-1 c-2", "350.00"))
    book.confirm(lines, exact=True)
    lines += lines_of(row("R1", "c-1 c-2", "350.00", status="VOID", reverses="P1"))
    begin_match(book, lines, name_of(book, lines, "R1"), posts=1)
    assert book.says(lines) == {"P1": "posted", "R1-": "begun"}
    held = Held(ledger_of(book.state, book.submitted), (), tuple(lines), ())
    for each in submissions_of(book.matches[-1], held, "manager"):
        book.submit(each)
    assert book.says(lines) == {"P1": "posted", "R1-": "posted"}
    assert book.returned() == 350_00


def two_backs() -> tuple[Book, list[PaymentLine]]:
    """Return one document that takes two payments of one agreement back, each with the same cents."""
    book = Book({"c-2": ("north", 250_00), "c-3": ("north", 250_00)})
    lines = lines_of(row("P1", "c-2", "250.00"), row("P2", "c-3", "250.00"))
    book.confirm(lines, exact=True)
    back = lines_of(
        row("R1", "c-2", "250.00", status="VOID", reverses="P1", line="1"),
        row("R1", "c-3", "250.00", status="VOID", reverses="P2", line="2"),
    )
    return book, [*lines, *back]


def test_each_line_of_a_document_that_takes_payments_back_has_its_own_refund() -> None:
    book, lines = two_backs()
    assert book.confirm(lines, "c-2") == 1
    assert book.says(lines) == {"P1": "posted", "P2": "posted", "R11-": "posted", "R12-": "candidates"}
    assert book.confirm(lines, "c-3") == 1
    assert set(book.says(lines).values()) == {"posted"}
    assert book.returned() == 500_00


@pytest.mark.parametrize("cents", [250_00, 500_00])
def test_refunds_by_hand_are_of_all_lines_of_their_document_together(cents: int) -> None:
    book, lines = two_backs()
    book.submit(submission(Refund("north", 2026, "general", cents, 2026, "R1")))
    says = "posted" if cents == 500_00 else "contradicted"
    assert (book.says(lines)["R11-"], book.says(lines)["R12-"]) == (says, says)


@pytest.mark.parametrize(("cents", "says"), [(250_00, "posted"), (249_99, "contradicted")])
def test_a_refund_by_hand_beside_one_that_is_begun_is_not_posted_again(cents: int, says: str) -> None:
    book = Book({"c-1": ("north", 100_00), "c-2": ("north", 250_00)})
    lines = lines_of(row("P1", "c-1 c-2", "350.00"))
    book.confirm(lines, exact=True)
    lines += lines_of(row("R1", "c-1 c-2", "350.00", status="VOID", reverses="P1"))
    begin_match(book, lines, name_of(book, lines, "R1"), posts=1)
    book.submit(submission(Refund("north", 2026, "general", cents, 2026, "R1")))
    assert book.says(lines)["R1-"] == says


@pytest.mark.parametrize(("cents", "says"), [(100_00, "posted"), (99_99, "contradicted")])
def test_a_refund_by_hand_is_found_by_its_number_and_sum(cents: int, says: str) -> None:
    book = Book()
    book.submit(submission(Pay("c-1", "P1")))
    book.submit(submission(Refund("north", 2026, "general", cents, 2026, "R1")))
    lines = lines_of(row("P1", "c-1", "100.00"), row("R1", "c-1", "100.00", status="VOID", reverses="P1"))
    assert book.says(lines)["R1-"] == says


@pytest.mark.long
def test_a_file_of_twenty_thousand_lines_is_matched() -> None:
    claims = {f"k{at}": ("north", 1_00 + at % 50) for at in range(300)}
    rows = [row(f"P{at}", f"k{at % 400}", f"{1 + at % 50}.{at % 60:02d}") for at in range(19_990)]
    found = Book(claims).look(lines_of(*rows))
    assert len(found) == len({one.line.id for one in found}) == 19_990


def test_a_claim_that_two_groups_name_is_of_neither() -> None:
    lines = lines_of(row("P1", "c-1", "100.00"), row("P2", "c-1 c-4", "170.00"))
    assert set(Book().says(lines).values()) == {"candidates"}


def test_a_reversal_before_the_posting_takes_the_payment_away() -> None:
    book = Book()
    lines = lines_of(row("P1", "c-1", "100.00"), row("R1", "c-1", "100.00", status="VOID", reverses="P1"))
    assert set(book.says(lines).values()) == {"reversed"}
    again = [*lines, *lines_of(row("P2", "c-1", "100.00"))]
    assert book.says(again)["P2"] == "exact"
    assert set(
        book.says(lines_of(row("P1", "c-1", "100.00"), row("P1", "c-1", "40.00", status="VOID"))).values()
    ) == {"contradicted"}
    assert book.says(lines_of(row("R9", "c-1", "100.00", status="VOID", reverses="P9"))) == {
        "R9-": "unmatched"
    }


def test_a_reversal_of_what_is_posted_proposes_refunds_and_a_person_posts_them() -> None:
    book = Book()
    lines = lines_of(row("P1", "c-1 c-2", "350.00"))
    assert book.confirm(lines, exact=True) == 1
    lines += lines_of(row("R1", "c-1 c-2", "350.00", status="VOID", reverses="P1", day="2026-03-20"))
    (back,) = (one for one in book.look(lines) if one.line.kind == "reversed")
    (proposal,) = back.proposals
    assert [(one.agreement, one.cents, one.of_year) for one in proposal.returning] == [
        ("north", 100_00, 2026), ("north", 250_00, 2026),
    ]  # fmt: skip
    assert not proposal.exact
    assert book.confirm(lines, "c-1", "c-2") == 1
    assert sum(one.operation.cents for one in book.submitted if isinstance(one.operation, Refund)) == 350_00
    assert book.says(lines) == {"P1": "posted", "R1-": "posted"}
    assert book.confirm(lines, "c-1", "c-2") == 0


def test_a_reversal_of_a_closed_year_comes_back_in_an_open_one() -> None:
    book = Book({"c-1": ("north", 100_00)})
    lines = lines_of(row("P1", "c-1", "100.00"))
    book.confirm(lines, exact=True)
    book.submit(submission(open_year(2027)))
    book.submit(submission(CloseYear(2026), day=date(2027, 2, 1)))
    lines += lines_of(row("P1", "c-1", "60.00", status="VOID", day="2027-02-02"))
    (back,) = (one for one in book.look(lines) if one.line.kind == "reversed")
    assert [(one.year, one.of_year, one.cents) for one in back.proposals[0].returning] == [
        (2027, 2026, 60_00)
    ]
    assert book.confirm(lines, "c-1") == 1


ROWS = st.builds(
    row,
    st.sampled_from(("P1", "P2", "P3", "P4")),
    st.sampled_from(("c-1", "c-2", "c-3", "c-1 c-4", "INV-c-4", "d-1", "x-9")),
    st.sampled_from(("100.00", "250.00", "50.00", "200.00", "170.00", "70.00", "30.00")),
    vendor=st.sampled_from(("V1", "V1", "V2")),
    status=st.sampled_from(("PAID", "PAID", "PAID", "VOID")),
    line=st.sampled_from(("", "1", "2")),
)


def end_of(files: list[list[tuple[str, ...]]]) -> tuple[object, ...]:
    book = Book()
    lines = {line.id: line for rows in files for line in lines_of(*rows)}
    book.confirm(list(lines.values()), exact=True)
    before = len(book.matches)
    assert book.confirm(list(lines.values()), exact=True) == 0
    assert len(book.matches) == before
    held = [one for found in book.matches for one in found.lines]
    assert len(held) == len(set(held))
    return book.state.balances, book.paid(), book.look(lines.values()), sorted(one.id for one in book.matches)


def check_any_order(rows: list[tuple[str, ...]], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(rows))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=3)))
    files = [shuffled[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(rows)], strict=True)]
    files += data.draw(st.lists(st.sampled_from(files), max_size=2))  # some come twice
    assert end_of(files) == end_of([rows])


@settings(max_examples=25, deadline=None)
@given(st.lists(ROWS, max_size=9), st.data())
def test_any_order_of_lines_and_files_comes_to_the_same_end(
    rows: list[tuple[str, ...]], data: st.DataObject
) -> None:
    check_any_order(rows, data)


@pytest.mark.long
@settings(max_examples=600, deadline=None)
@given(st.lists(ROWS, max_size=14), st.data())
def test_any_order_of_many_lines_comes_to_the_same_end(
    rows: list[tuple[str, ...]], data: st.DataObject
) -> None:
    check_any_order(rows, data)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(ROWS, max_size=4), max_size=4))
def test_nothing_is_posted_beyond_what_the_lines_say_and_no_line_twice(
    files: list[list[tuple[str, ...]]],
) -> None:
    book, lines = Book(), dict[str, PaymentLine]()
    for rows in files:  # confirmed after each file, as people do
        lines |= {line.id: line for line in lines_of(*rows)}
        book.confirm(list(lines.values()), exact=True)
    for one in book.matches:
        came = sum(lines[line].cents for line in one.lines)
        due = sum(part.cents for claim in one.claims for part in book.state.claims[claim].parts)
        assert came == due
        assert {lines[line].grantee for line in one.lines} == {
            book.state.agreements[book.state.claims[claim].agreement].grantee for claim in one.claims
        }
    held = [line for one in book.matches for line in one.lines]
    assert len(held) == len(set(held))
