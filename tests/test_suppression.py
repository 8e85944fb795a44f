"""Suppression, attacked with exact linear algebra that shares nothing with how it is done."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from doorward.suppression import Form, exposed, withhold

LEAST = 5


def spanned(rows: list[list[int]], wanted: list[int]) -> bool:
    """Say whether a row is a combination of others, by fractions."""

    def rank(matrix: list[list[int]]) -> int:
        work = [[Fraction(x) for x in row] for row in matrix]
        done = 0
        for column in range(len(wanted)):
            pivot = next((i for i in range(done, len(work)) if work[i][column]), None)
            if pivot is None:
                continue
            work[done], work[pivot] = work[pivot], work[done]
            for i in range(done + 1, len(work)):
                factor = work[i][column] / work[done][column]
                work[i] = [a - factor * b for a, b in zip(work[i], work[done], strict=True)]
            done += 1
        return done

    return rank([*rows, wanted]) == rank(rows)


def table(cells: list[list[int]]) -> list[Form]:
    """Return a table with its margins."""
    rows, columns = len(cells), len(cells[0])
    at = {(r, c): r * columns + c for r in range(rows) for c in range(columns)}
    inner = [Form(f"{r},{c}", cells[r][c], {at[r, c]: 1}) for r in range(rows) for c in range(columns)]
    forms = list(inner)
    for r in range(rows):
        parts = tuple(f"{r},{c}" for c in range(columns))
        forms.append(Form(f"row {r}", sum(cells[r]), {at[r, c]: 1 for c in range(columns)}, (parts,)))
    for c in range(columns):
        parts = tuple(f"{r},{c}" for r in range(rows))
        forms.append(
            Form(f"column {c}", sum(row[c] for row in cells), {at[r, c]: 1 for r in range(rows)}, (parts,))
        )
    lines = (tuple(f"row {r}" for r in range(rows)), tuple(f"column {c}" for c in range(columns)))
    forms.append(Form("all", sum(map(sum, cells)), dict.fromkeys(at.values(), 1), lines))
    return forms


def test_a_small_cell_takes_its_complements_with_it() -> None:
    withheld = withhold(table([[3, 50, 60], [40, 70, 80]]), LEAST)
    assert {"0,0", "0,1", "1,0", "1,1"} == withheld


def test_nothing_is_withheld_where_nothing_is_small() -> None:
    assert withhold(table([[0, 50], [40, 0]]), LEAST) == frozenset()


def test_a_small_cell_beside_noughts_takes_its_total_too() -> None:
    assert {"0,0", "row 0"} <= withhold(table([[3, 0, 0], [40, 70, 80]]), LEAST)


def test_what_is_left_of_a_total_is_no_small_number_either() -> None:
    withheld = withhold([
        Form("a", 1, {0: 1}), Form("b", 2, {1: 1}), Form("c", 90, {2: 1}), Form("d", 80, {3: 1}),
        Form("all", 173, {0: 1, 1: 1, 2: 1, 3: 1}, (("a", "b", "c", "d"),)),
    ], LEAST)  # fmt: skip
    assert withheld == {"a", "b", "d"}


def test_what_everybody_knows_to_be_equal_is_no_way_around() -> None:
    forms = [
        Form("a", 3, {0: 1}), Form("b", 50, {1: 1}), Form("all", 53, {0: 1, 1: 1}, (("a", "b"),)),
        Form("a again", 3, {2: 1}), Form("b again", 50, {3: 1}),
        Form("same", 0, {1: 1, 3: -1}, fixed=True),
    ]  # fmt: skip
    withheld = withhold(forms, LEAST)
    assert {"a", "a again"} <= withheld
    assert exposed(forms, withheld) == set()


CELL = st.sampled_from([0, 1, 3, 4, 5, 9, 60, 800])


@given(
    st.integers(2, 4).flatmap(
        lambda n: st.lists(st.lists(CELL, min_size=n, max_size=n), min_size=2, max_size=4)
    )
)
def test_no_small_number_of_a_table_can_be_worked_out(cells: list[list[int]]) -> None:
    forms = table(cells)
    withheld = withhold(forms, LEAST)
    size = len(cells) * len(cells[0])
    published = [[form.terms.get(i, 0) for i in range(size)] for form in forms if form.id not in withheld]
    for form in forms:
        if 0 < form.value < LEAST:
            assert form.id in withheld
            assert not spanned(published, [form.terms.get(i, 0) for i in range(size)]), form.id
    small = {form.id for form in forms if 0 < form.value < LEAST}
    assert not exposed(forms, withheld) & small
