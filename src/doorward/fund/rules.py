"""What the order's fund.toml says, as the ledger's rules. Pure."""

from doorward.fund.ledger.state import Line, Rules
from doorward.orders.fund import FundWords


def make_rules(words: FundWords) -> Rules:
    """Return the rules of a fund that is worded so."""
    lines = {
        line.code: Line(line.code, frozenset(line.services), enabled=line.enabled, carries=line.carries)
        for line in words.lines.values()
    }
    return Rules(lines, frozenset(words.sources), words.approvals)
