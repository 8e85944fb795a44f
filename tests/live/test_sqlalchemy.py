"""The door with SQLAlchemy: reflection of what a session may read, queries, a pool, and a write that is refused."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, MetaData, Table, create_engine, func, inspect, select, text
from sqlalchemy.exc import ProgrammingError

from doorward.cli.sample import PEOPLE

pytestmark = pytest.mark.pg


@pytest.fixture
def engine(up: Any) -> Iterator[Engine]:
    person = PEOPLE[0]
    url = f"postgresql+psycopg://{person.login}:{person.password}@127.0.0.1:{up.port}/clear"
    arguments = {"options": person.options(), "sslmode": "disable"}
    made = create_engine(url, connect_args=arguments, pool_size=2, pool_pre_ping=True)
    yield made
    made.dispose()


def test_the_views_of_the_scope_are_found_with_their_columns(engine: Engine) -> None:
    found = inspect(engine)
    schema = found.default_schema_name
    assert schema is not None
    assert schema.startswith("dw_")
    assert "persons" in found.get_view_names()
    assert found.get_table_names() == []
    columns = {column["name"] for column in found.get_columns("persons")}
    assert "last_name" in columns
    assert "birthplace" not in columns
    for name in found.get_view_names():
        assert found.get_columns(name)
        assert found.get_indexes(name) == []
        assert found.get_foreign_keys(name) == []
        assert found.get_view_definition(name)
        found.get_table_comment(name)


def test_a_reflected_view_is_queried(engine: Engine) -> None:
    persons = Table("persons", MetaData(), autoload_with=engine)
    with engine.connect() as session:
        rows = session.execute(select(persons.c.last_name).where(persons.c.height_cm > 0)).all()
        assert len(rows) == session.execute(select(func.count()).select_from(persons)).scalar_one()
        streamed = session.execution_options(yield_per=7).execute(select(persons.c.person_id))
        assert len(streamed.all()) == len(rows)


def test_everything_is_reflected_at_once(engine: Engine) -> None:
    metadata = MetaData()
    metadata.reflect(engine, views=True)
    assert "persons" in metadata.tables
    base = MetaData()
    base.reflect(engine, schema="public")
    with engine.connect() as session:
        for table in base.sorted_tables:
            with pytest.raises(ProgrammingError, match="permission denied"):
                session.execute(select(table))
            session.rollback()


def test_a_write_is_refused_and_the_pool_goes_on(engine: Engine) -> None:
    for _ in range(5):
        with engine.connect() as session, pytest.raises(ProgrammingError, match="permission denied"):
            session.execute(text("UPDATE cases SET status = 'closed'"))
        with engine.connect() as session:
            assert session.execute(text("SELECT 1")).scalar_one() == 1
