"""What of a filing goes into the record: as of a posting, one entry before the commit and one after it. Pure."""

from hashlib import sha256
from typing import Final

from doorward.fund.entries import Proof
from doorward.fund.filings.acts import NAMES, Filing
from doorward.record.entry import Field, Fields

FILE: Final = b"file"
FILED: Final = b"filed"


def filing_entry(filing: Filing, text: str, proof: Proof) -> Fields:
    """Return the fields of the entry before a commit; `fund.entries.end_entry` makes the one after it.

    Args:
        proof: How it is known that the login is who it says (`fund.entries.Proof`).
        text: Of `format_filing`: words of the order's lists, numbers, days and logins.
    """
    raw = text.encode()
    return (
        (Field.LOGIN, filing.by.encode()),
        (Field.AUTHENTICATION, proof.how.encode()),
        (Field.TEXT, raw),
        *(((Field.EVIDENCE, proof.signature.encode()),) if proof.signature else ()),
        (Field.MATTER, filing.key.hex.encode()),
        (Field.WHAT, NAMES[type(filing.act)].encode()),
        (Field.ACT, FILE),
        (Field.DIGEST, sha256(raw).hexdigest().encode()),
    )
