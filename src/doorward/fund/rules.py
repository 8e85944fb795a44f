"""What the order's fund.toml says, as the ledger's rules, and their one text. Pure."""

import json

from doorward.fund.ledger.state import Line, Rules
from doorward.orders.fund import FundWords


def make_rules(words: FundWords) -> Rules:
    """Return the rules of a fund that is worded so."""
    lines = {
        line.code: Line(line.code, frozenset(line.services), enabled=line.enabled, carries=line.carries)
        for line in words.lines.values()
    }
    return Rules(lines, frozenset(words.sources), words.approvals)


def format_rules(rules: Rules) -> str:
    """Return the one text of rules, whose SHA-256 the record holds: JSON, keys sorted, no spaces."""
    lines = {
        line.code: {"enabled": line.enabled, "carries": line.carries, "services": sorted(line.services)}
        for line in rules.lines.values()
    }
    document = {"lines": lines, "sources": sorted(rules.sources), "approvals": rules.approvals}
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def with_dropped(before: Rules, rules: Rules) -> Rules:
    """Return the rules as a ledger has them that had others: a line that the order dropped stays, switched off."""
    dropped = {
        line.code: Line(line.code, frozenset(), enabled=False, carries=line.carries)
        for line in before.lines.values()
        if line.code not in rules.lines
    }
    return Rules({**dropped, **rules.lines}, rules.sources, rules.approvals)
