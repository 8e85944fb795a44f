r"""SQLAlchemy before the door: an engine without a pool, whose every connection is one person's.

    python with_sqlalchemy.py --conninfo "host=… sslcert=… sslkey=…" --key portal.key --person dana.example \
        --purpose criminal-investigation --case JH123456 --for CPD

No pool of SQLAlchemy stands between: the door gives each person a backend of its own, and a connection that a pool kept
would be over when it is asked for again.
"""

import argparse
from pathlib import Path
from typing import Any

from asked import asking, who_asks
from sqlalchemy import Engine, MetaData, Table, create_engine, event, func, select
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from doorward.client import Application


def make_engine(portal: Application) -> Engine:
    """Return an engine that opens each connection for whoever asks at that moment."""
    engine = create_engine("postgresql+psycopg://", poolclass=NullPool)

    @event.listens_for(engine, "do_connect")
    def ask(_dialect: Any, _record: Any, _arguments: Any, parameters: dict[str, Any]) -> None:  # noqa: ANN401  # the event's
        parameters.update(portal.parameters(**who_asks()))

    return engine


def main() -> None:
    """Print how many persons and how many of them by sex somebody may see."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("conninfo", "key", "person", "purpose"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--case", default="")
    parser.add_argument("--for", dest="for_agency", default="")
    given = parser.parse_args()
    engine = make_engine(Application("crime-portal", key=Path(given.key), conninfo=given.conninfo))
    who = {
        "person": given.person,
        "purpose": given.purpose,
        "case": given.case,
        "for_agency": given.for_agency,
    }
    with asking(who), Session(engine) as session:  # type: ignore[arg-type]  # argparse's texts
        # The tables of this person's scope; who may see more sees other columns here.
        persons = Table("persons", MetaData(), autoload_with=session.connection())
        print(session.scalar(select(func.count()).select_from(persons)))
        print(", ".join(sorted(column.name for column in persons.columns)))


if __name__ == "__main__":
    main()
