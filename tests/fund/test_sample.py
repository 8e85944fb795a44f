"""The sample's fund: every rule of the ledger lets it through, on whatever day of a year it is made."""

from datetime import date, timedelta

import pytest

from doorward.fund.ledger.accounts import Account
from doorward.fund.ledger.decide import Posted, decide
from doorward.fund.ledger.state import WAITING, State
from doorward.fund.rules import make_rules
from doorward.fund.sample import AGREEMENT, GRANTEE, sample_submissions
from doorward.orders.load import load_fund, load_pack

WORDS = load_fund(load_pack("chicago"))
SERVICES = ("screening", "representation")


@pytest.mark.parametrize("after", [0, 30, 31, 59, 200, 330, 364])
def test_it_passes_every_rule_and_the_last_month_waits(after: int) -> None:
    days = WORDS.days_of(2026)
    state = State(make_rules(WORDS))
    today = days[0] + timedelta(days=after)
    for one in sample_submissions(
        today, days, year=2026, line="legal", services=SERVICES, source="ordinance"
    ):
        assert one.day <= today
        answer = decide(state, one)
        assert isinstance(answer, Posted), answer
        state = answer.state
    months = today.month - 1 if today != date(2026, 12, 31) else 11
    assert len(state.claims) == months
    assert [one.status for one in state.claims.values()][-1:] == [WAITING][:months]
    assert state.agreements[AGREEMENT].grantee == GRANTEE
    assert state.at(Account.AVAILABLE, 2026, "legal") == 12_000_000
