"""exemptions.toml of a pack: the codes under which a public-records answer withholds something. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from doorward.errors import Finding
from doorward.orders.deadlines import EVIDENCE, STANDINGS
from doorward.orders.toml import Toml

EXEMPTIONS: Final = "exemptions.toml"
_CODE: Final = re.compile(r"[0-9][0-9A-Za-z.()-]{0,19}")


@dataclass(frozen=True, slots=True)
class Exemption:
    """One code.

    Args:
        code: As it stands at a redaction, ``7(1)(b)``.
        evidence: ``text``, ``mirror``, ``press`` or ``background``.
        standing: ``confirmed``, ``adopted`` or ``needs-counsel``.
    """

    code: str
    says: str
    evidence: str
    standing: str

    @property
    def needs_counsel(self) -> bool:
        """True where nobody has confirmed or adopted the code: what rests on it is a draft."""
        return self.standing == "needs-counsel"


@dataclass(frozen=True, slots=True)
class Exemptions:
    """The codes of a statute.

    Args:
        requests: Kinds of the intake that such a request is filed as.
    """

    statute: str
    codes: Mapping[str, Exemption]
    requests: tuple[str, ...] = ()

    def cite(self, code: str) -> str:
        """Return the statute with a code of it."""
        return f"{self.statute}/{code}"


def read_exemptions(text: str) -> tuple[Exemptions | None, list[Finding]]:
    """Return what the file says, or None and everything that is wrong with it, each with its line and column.

    Args:
        text: Of exemptions.toml.

    Raises:
        PolicyCheckError: The text is no TOML.
    """
    file = Toml(EXEMPTIONS, text)
    file.refuse_others(("statute", "requests", "code"))
    requests = file.get(list, "requests", default=[])
    if not all(isinstance(one, str) and one for one in requests):
        file.note("`requests` must be a list of kinds of the intake", "requests")
    codes = {}
    for code, held in file.table("code").items():
        path = ("code", code)
        if not isinstance(held, dict) or not _CODE.fullmatch(code):
            file.note(f"`{code[:40]}` is no code such as 7(1)(b), with what it says", *path)
            continue
        file.refuse_others(("says", "evidence", "standing"), *path)
        found = Exemption(code, *(file.get(str, *path, key) for key in ("says", "evidence", "standing")))
        for key, value, allowed in (
            ("evidence", found.evidence, EVIDENCE),
            ("standing", found.standing, STANDINGS),
        ):
            if value and value not in allowed:
                file.note(f"`{value[:40]}` is none of {', '.join(allowed)}", *path, key)
        if found.standing == "confirmed" and found.evidence not in {"text", "mirror"}:
            file.note(f"evidence `{found.evidence[:20]}` confirms nothing", *path, "standing")
        codes[code] = found
    made = Exemptions(file.get(str, "statute"), codes, tuple(requests))
    return (None if file.findings else made), file.findings
