"""The gateway's own connections and its login roles, when PostgreSQL goes away in between and comes back."""

import os
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from doorward.errors import UpstreamError
from doorward.gateway.answer import GrantBinding
from doorward.gateway.logins import IDLE_ADMIN_CONNECTIONS, AdminConnections, Logins
from doorward.grants.ends import End

pytestmark = pytest.mark.pg
UNTIL = datetime(2030, 1, 1, tzinfo=UTC)
APPLICATION = "doorward logins test"


class Way:
    """The way to the city's server, which can be shut."""

    def __init__(self, up: Any) -> None:
        self._up = up
        self.is_shut = False

    def connect(self) -> psycopg.Connection[Any]:
        if self.is_shut:
            raise psycopg.OperationalError("shut")
        session: psycopg.Connection[Any] = self._up.city()
        session.execute(f"SET application_name = '{APPLICATION}'")
        return session

    def end_all(self) -> None:
        with self._up.city() as dba:
            ended = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = %s"
            assert all(row[0] for row in dba.execute(ended, [APPLICATION]).fetchall())


def test_connections_that_ended_while_they_were_idle_are_not_handed_out(up: Any) -> None:
    way = Way(up)
    admin = AdminConnections(way.connect)
    borrowed = [admin.borrow() for _ in range(IDLE_ADMIN_CONNECTIONS)]
    for one in borrowed:
        one.__enter__().execute("SELECT 1")
    for one in borrowed:
        one.__exit__(None, None, None)
    way.end_all()
    with admin.borrow() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    admin.close()


def test_a_login_that_could_not_be_cleaned_is_cleaned_when_postgresql_is_back(up: Any) -> None:
    with up.connect() as session:
        scope = session.execute("SELECT split_part(current_setting('search_path'), ',', 1)").fetchone()[0]
    scope_id = scope.strip().strip('"').removeprefix("dw_")
    with up.city() as dba:
        digest = dba.execute("SELECT order_digest FROM doorward.installation").fetchone()[0]
    way = Way(up)
    admin = AdminConnections(way.connect)
    logins = Logins(admin, order_digest=digest, random=os.urandom)
    binding = GrantBinding(scope_id, "JH1", "area-1", "", End(UNTIL))
    login = logins.bind(binding)
    way.end_all()
    way.is_shut = True
    with pytest.raises(UpstreamError):
        logins.release(login, scope_id)
    with pytest.raises(UpstreamError):
        logins.bind(binding)
    way.is_shut = False
    bound = "SELECT count(*) FROM doorward.session_grant WHERE login = %s"
    with up.city() as dba:
        assert dba.execute(bound, [login]).fetchone() == (1,)
        other = logins.bind(binding)
        assert dba.execute(bound, [login]).fetchone() == (0,)
        logins.release(other, scope_id)
        again = {logins.bind(binding), logins.bind(binding)}
        assert login in again
        for one in again:
            logins.release(one, scope_id)
            dba.execute(f'DROP ROLE "{one}"')
        if other not in again:
            dba.execute(f'DROP ROLE "{other}"')
    admin.close()
