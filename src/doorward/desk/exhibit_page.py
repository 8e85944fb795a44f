"""The page that goes with an exhibit: what it shows, what that proves and what not, and how anybody checks it. Pure."""

import string
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Final

from doorward.desk.letters.tables import Section, Table, render_table_report
from doorward.record.check_exhibit import Shown

MAX_SHOWN: Final = 2000
BREAK: Final = 40
TITLE: Final = "Exhibit from the record"
_WORDS: Final = {
    "kind": "what happened", "sequence": "number in the record", "time": "when it was recorded",
    "session": "the connection", "request": "number in the connection", "login": "who was signed in",
    "agency": "whose agency", "text": "the statement", "parameters": "the values of the statement",
    "outcome": "what the order answered, or how it ended", "rows": "rows that were let through",
    "bytes": "bytes that were let through", "clauses": "clauses of the order", "policies": "policies of the order",
    "purpose": "purpose that was stated", "case": "case that was stated", "for_agency": "for whom, as stated",
    "order_digest": "digest of the order in force", "reason": "why", "message": "kind of message",
}  # fmt: skip
_PROVES: Final = """
The values above are those that the record holds for this entry: with any other value, another name or another order of
bytes the hashes do not come to the root that the log's key signed.

The entry was in the log when the checkpoint was signed. Whoever keeps another checkpoint of the same log can have it
shown that the log was only added to.

Where witnesses signed the checkpoint too, the operator cannot have shown them another log.
"""
_NOT: Final = """
It does not prove that what was written is true: a stated purpose is what somebody stated.

It does not prove that nothing else happened: what never passed the door is in no record.

The time is that of the clock of the host that wrote the entry, not of the signature.

What is not shown is held back, and nothing follows from that: digests of no field fill each entry up.

This paper proves nothing. The file whose digest stands above does.
"""
_CHECK: Final = """
1. Get the log's verifier key from somebody other than whoever gave you the file, such as a newspaper that keeps it, and
compare it with the one above.

2. Compare the SHA-256 digest of the file with the one above.

3. Run: doorward log check-exhibit FILE --key VKEY. It needs no network, no account and nothing of the city, shares no
code with what wrote the file, and names each thing that is false.

4. Or follow the published record format with any program that has SHA-256 and Ed25519: the digests of the fields, the
commitment, the block's root, the public leaf, then a proof in the C2SP form.
"""
_BROKEN: Final = (
    f"A word of more than {BREAK} signs is broken by spaces here, the key above too; the file has it whole."
)


def render_exhibit(  # every part of a page
    shown: Shown,
    *,
    digest: str,
    key: str,
    receiver: str,
    process: str,
    office: str,
    day: date,
    is_sample: bool = False,
) -> bytes:
    """Return the PDF, PDF/UA-1; the same arguments give the same bytes.

    Args:
        shown: What `check_exhibit` read, without a fault.
        digest: SHA-256 of the file, in hexadecimal digits.
        key: The log's verifier key.
        receiver: For whom, one word.
        process: The id of the paper that asked for it.
        office: Whose key showed it; a role, no person.

    Raises:
        ConfigError: typst is not installed.
    """
    fields = tuple((name, _WORDS.get(name, ""), _say(name, value)) for name, value in shown.fields)
    seen = tuple((name, _moment(at)) for name, at in shown.witnesses)
    signed = (
        f"The log's key signed the checkpoint. {shown.others} more signatures are of keys that were not at hand",
        "when this page was made; whoever has them checks them with --witness.",
    )
    sections = [
        Section("What is shown", (_BROKEN,), (
            Table("Fields of the entry", ("field", "what it is", "value"), fields, widths=(2, 3, 6)),
        )),
        Section("What it proves", _paragraphs(_PROVES)),
        Section("What it does not prove", _paragraphs(_NOT)),
        Section("How to check it", _paragraphs(_CHECK)),
        Section("Signatures", (" ".join(signed),), (
            Table("Witnesses whose signature was checked", ("witness", "time"), seen),
        )),
    ]  # fmt: skip
    facts = _facts(shown, digest, key, receiver, process)
    return render_table_report(
        TITLE, sections, day=day, office=office.capitalize(), facts=facts, is_sample=is_sample
    )


def _paragraphs(text: str) -> tuple[str, ...]:
    return tuple(" ".join(part.split()) for part in text.strip().split("\n\n"))


def _facts(shown: Shown, digest: str, key: str, receiver: str, process: str) -> Sequence[tuple[str, str]]:
    return (
        ("For", receiver),
        ("Under", f"the paper on file as {process}"),
        ("File, SHA-256", _group(digest)),
        ("Log", shown.origin),
        ("Verifier key", _break(key)),
        ("Place", f"leaf {shown.leaf_index} of {shown.tree_size}"),
        ("Not shown", f"{shown.hidden} digests"),
    )


def _say(name: str, value: bytes) -> str:
    if name == "time":
        at = datetime.fromtimestamp(int(value) // 1_000_000, UTC)
        return f"{value.decode()}: {at:%Y-%m-%d %H:%M:%S} UTC"
    if name == "session":
        return value.hex()
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        text = f"{len(value)} bytes: {_group(value[: MAX_SHOWN // 4].hex())}"
    if not text:
        return "(empty)"
    cut = f" ... {len(text) - MAX_SHOWN} characters more, in the file" if len(text) > MAX_SHOWN else ""
    return _break(text[:MAX_SHOWN]) + cut


def _moment(seconds: int) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return f"{seconds} seconds after 1970"


def _group(digits: str) -> str:
    return " ".join(digits[at : at + 8] for at in range(0, len(digits), 8))


def _break(text: str) -> str:
    """Return a text that can be broken into lines: a longer word gets a space."""
    found, run = [], 0
    for sign in text:
        run = 0 if sign in string.whitespace else run + 1
        found.append(sign)
        if run == BREAK:
            found.append(" ")
            run = 0
    return "".join(found)
