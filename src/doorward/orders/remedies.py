"""Law 8: a remedy names papers, registers and approvals, never another purpose or beneficiary.

Checked by word: no remedy, sentence of the public or sentence of a policy's remedy may contain a purpose word of the
order or the id or name of an agency, as a whole word, in any case.
"""

import re
from collections.abc import Collection, Iterable, Iterator

from doorward.errors import Finding
from doorward.orders.entities import NO_AGENCY
from doorward.policy.parse import Policy
from doorward.policy.request import UNKNOWN


def check_remedies(
    policies: Iterable[Policy], *, purposes: Collection[str], agencies: Collection[str]
) -> Iterator[Finding]:
    """Yield each remedy that would coach a purpose or a beneficiary.

    Args:
        policies: With their remedies.
        purposes: The order's words.
        agencies: Ids and names of agencies.
    """
    coached = {word for word in (*purposes, *agencies) if word not in {UNKNOWN, NO_AGENCY}}
    patterns = {
        word: re.compile(rf"(?<![\w-]){'[ -]'.join(map(re.escape, word.split('-')))}(?![\w-])", re.IGNORECASE)
        for word in sorted(coached)
    }
    for policy in policies:
        for word, pattern in patterns.items():
            if policy.remedy is not None and pattern.search(policy.remedy.text):
                yield Finding(
                    f"the remedy of policy `{policy.id}` names `{word}`, a purpose or an agency",
                    policy.place_of("remedy"),
                    "a remedy names papers, registers and approvals (law 8)",
                )
