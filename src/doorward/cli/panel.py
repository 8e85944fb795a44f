"""What `doorward up` prints: what runs where, five lines to paste, how to verify, how to stop."""

from dataclasses import dataclass

from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from doorward.cli.folders import Folders
from doorward.cli.sample import DATABASE, PEOPLE, SamplePerson

QUESTION = "SELECT * FROM persons LIMIT 3"


def psql_line(person: SamplePerson, port: int) -> str:
    """Return a line to paste into a shell that connects as this person and asks one question."""
    return (
        f"PGPASSWORD={person.password} PGOPTIONS='{person.options()}' "
        f"psql -h 127.0.0.1 -p {port} -U {person.login} -d {DATABASE} -c '{QUESTION}'"
    )


@dataclass(frozen=True, slots=True)
class Ports:
    """Where things listen on 127.0.0.1: the gateway, the city's own server behind it, and the desk (0: none)."""

    gateway: int
    city: int
    desk: int = 0


def show_panel(console: Console, folders: Folders, ports: Ports, *, seconds: float, observed: str) -> None:
    """Print the panel, and below it the lines, unwrapped so that they can be copied."""
    text = Text()
    for name, where in (
        ("gateway", f"127.0.0.1:{ports.gateway}  (SCRAM-SHA-256, no TLS: this machine only)"),
        (
            "database",
            f"{DATABASE}, embedded PostgreSQL on 127.0.0.1:{ports.city}, its applications notice nothing",
        ),
        (
            "desk",
            f"http://127.0.0.1:{ports.desk}/play/  (choose an invented person)" if ports.desk else "none",
        ),
        ("order", "chicago, adopted by `sample`: not for production"),
        ("clauses", observed),
        ("record", f"{folders.log}"),
    ):
        text.append(f"{name:<10}", style="bold")
        text.append(f"{where}\n")
    text.append(f"ready in {seconds:.1f} s", style="dim")
    console.print(Panel(text, title="doorward", expand=False))
    for number, person in enumerate(PEOPLE, start=1):
        console.print(f"[bold]{number}[/bold] {person.says}")
        console.print(
            psql_line(person, ports.gateway), soft_wrap=True, highlight=False, markup=False, style="cyan"
        )
    command = f"doorward log verify --data {folders.data}"
    console.print("\nverify the record:  ", end="")
    console.print(command, soft_wrap=True, highlight=False, markup=False, style="cyan")
    console.print("stop everything:    Ctrl-C")
