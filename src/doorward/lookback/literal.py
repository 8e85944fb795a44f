"""What is stated in words of the order itself, as at a door: purpose and beneficiary are those words, and no pattern's.

A log that is marked `literal` holds no prose: its reason is a word of the order, its filters are `for AGENCY`. A word
that the order has not says nothing that it knows, and is `unknown`; what an emergency was is prose, and decides nothing
here: that there was one is the kind of the access. Wordings have the numbers that every lexicon gives them.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from doorward.lookback.queries import quote_text, read_query
from doorward.lookback.tally import copy_parquet
from doorward.orders.lexicon import Lexicon, Log, Tier
from doorward.orders.pack import Pack

if TYPE_CHECKING:
    import duckdb


def write_literal(
    connection: "duckdb.DuckDBPyConnection",
    pack: Pack,
    lexicon: Lexicon,
    log: Log,
    *,
    phrases: Path,
    target: Path,
) -> None:
    """Write what wordings say where they are words of the order.

    Args:
        connection: Of the engine; nothing is left in it.
        pack: The order.
        lexicon: Its own: a purpose that an explicit pattern means is explicit here too.
        log: The kind of log; words that it maps to the order's are words here.
        phrases: The wordings, as any lexicon has classified them.
        target: A Parquet file; it is there whole or not at all.
    """
    purposes = [*pack.purposes, *_mapped(log, "purpose")]
    agencies = [*pack.agencies, *_mapped(log, "for-agency")]
    explicit = {
        word for one in lexicon.patterns if one.tier is Tier.EXPLICIT for word in one.purposes
    } - _others(lexicon)
    query = read_query("literal").replace("$phrases", quote_text(phrases))
    for name, words in (("$purposes", purposes), ("$agencies", agencies), ("$explicit", sorted(explicit))):
        listed = ", ".join(map(quote_text, dict.fromkeys(words)))
        query = query.replace(name, f"CAST([{listed}] AS VARCHAR[])")
    copy_parquet(connection, query, target)


def _mapped(log: Log, source: str) -> list[str]:
    return [word for told in log.facts.values() if told.source == source for word in told.words]


def _others(lexicon: Lexicon) -> set[str]:
    """Return purposes that patterns of other tiers mean as well: such a word alone is no explicit one."""
    return {word for one in lexicon.patterns if one.tier is not Tier.EXPLICIT for word in one.purposes}
