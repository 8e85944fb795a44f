"""A session ends with the first of all that it rests on, and says which."""

from dataclasses import fields
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.grants.ends import GRANT_HOURS, End, Ends, Rests, earliest_end

NOW = datetime(2026, 12, 1, 20, 0, tzinfo=UTC)
TODAY = date(2026, 12, 1)
MIDNIGHT = datetime(2026, 12, 2, tzinfo=UTC)
SOON = NOW + timedelta(minutes=5)
MOMENTS = st.datetimes(
    datetime(2026, 11, 1), datetime(2027, 1, 1), timezones=st.just(UTC)  # hypothesis sets the zone
)  # fmt: skip
DAYS = st.dates(date(2026, 11, 1), date(2027, 1, 1)) | st.just(date.max)
RESTS = st.builds(
    Rests,
    **{
        field.name: st.none() | (MOMENTS if "datetime.datetime" in str(field.type) else DAYS)
        for field in fields(Rests)
    },
)


@pytest.mark.parametrize(
    ("rests", "end"),
    [
        (Rests(), End(NOW + timedelta(hours=12), Ends.HOURS)),
        (Rests(approval=SOON), End(SOON, Ends.APPROVAL)),
        (Rests(agreement=TODAY), End(MIDNIGHT, Ends.AGREEMENT)),
        (Rests(declaration=TODAY), End(MIDNIGHT, Ends.DECLARATION)),
        (Rests(attestation=TODAY), End(MIDNIGHT, Ends.ATTESTATION)),
        (Rests(certificate=SOON), End(SOON, Ends.CERTIFICATE)),
        (Rests(token=SOON), End(SOON, Ends.TOKEN)),
        (Rests(emergency=SOON), End(SOON, Ends.EMERGENCY)),
        (Rests(approval=SOON, token=SOON), End(SOON, Ends.APPROVAL)),
        (Rests(agreement=date(2026, 12, 2)), End(NOW + timedelta(hours=12), Ends.HOURS)),
        (Rests(agreement=date.max), End(NOW + timedelta(hours=12), Ends.HOURS)),
    ],
)
def test_each_of_them_ends_a_session_and_is_named(rests: Rests, end: End) -> None:
    assert earliest_end(rests, now=NOW) == end


@given(RESTS)
def test_it_is_never_later_than_anything_that_it_rests_on(rests: Rests) -> None:
    end = earliest_end(rests, now=NOW)
    assert end.at <= NOW + timedelta(hours=GRANT_HOURS)
    for field in fields(Rests):
        until = getattr(rests, field.name)
        if isinstance(until, datetime):
            assert end.at <= until
        elif until is not None and until != date.max:
            # It holds on the whole of its last day and not a moment longer.
            assert end.at.date() <= until + timedelta(days=1)
            assert end.at <= datetime(until.year, until.month, until.day, tzinfo=UTC) + timedelta(days=1)


@given(RESTS)
def test_what_is_named_is_what_ends_it_and_without_it_the_session_lasts_at_least_as_long(
    rests: Rests,
) -> None:
    end = earliest_end(rests, now=NOW)
    if end.why is Ends.HOURS:
        assert end.at == NOW + timedelta(hours=GRANT_HOURS)
        return
    without = Rests(**{
        field.name: None if field.name == end.why.word else getattr(rests, field.name) for field in fields(Rests)
    })  # fmt: skip
    assert getattr(rests, end.why.word) is not None
    assert earliest_end(without, now=NOW).at >= end.at


def test_every_reason_is_a_sentence_of_its_own() -> None:
    assert {why.word for why in Ends} == {"hours", *(field.name for field in fields(Rests))}
    assert len({why.sentence for why in Ends}) == len(Ends)
