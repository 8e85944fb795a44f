"""What `doorward order check` finds in the files of a pack that the desk reads: clocks, reports, exemptions. Pure."""

from collections.abc import Callable

from doorward.errors import Finding, PolicyCheckError
from doorward.orders.deadlines import DEADLINES, read_deadlines
from doorward.orders.exemptions import EXEMPTIONS, read_exemptions
from doorward.orders.pack import Pack
from doorward.orders.statutory import STATUTORY, read_statutory


def check_paperwork(pack: Pack) -> list[Finding]:
    """Return every fault of these files, each with its place; a pack may be without any of them."""
    readers: dict[str, Callable[[str], list[Finding]]] = {
        DEADLINES: lambda text: read_deadlines(text, pack.clauses)[1],
        STATUTORY: lambda text: read_statutory(text, pack.clauses)[1],
        EXEMPTIONS: lambda text: read_exemptions(text)[1],
    }
    findings: list[Finding] = []
    for name, read in readers.items():
        if name in pack.files:
            try:
                findings += read(pack.files[name])
            except PolicyCheckError as error:  # no TOML
                findings += error.findings
    return findings
