"""A whole session without a socket: what is told, what is recorded before it, and that an end is an end."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from struct import pack

import pytest

from doorward.errors import UpstreamError
from doorward.gateway.actions import Action, Append, AskDoor, BindLogin, Cancel, Close, ToClient, ToServer
from doorward.gateway.answer import Answer, GrantBinding, Refusal
from doorward.gateway.handshake import Credentials
from doorward.gateway.session import HANDSHAKE_SECONDS, Phase, Session, SessionSetup, Upstream
from doorward.grants.ends import End, Ends
from doorward.pgwire.messages import (
    CancelRequest,
    StartupMessage,
    format_cancel,
    format_frame,
    format_startup,
)
from doorward.pgwire.scram import make_verifier
from doorward.policy.scopes import ScopeColumn, ScopeTable, make_scope
from doorward.record.entry import Draft, Field, Kind
from tests_support.scram_client import client_final, client_first

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DANA = make_verifier("right", salt=b"0123456789abcdef", iterations=16)
SCOPE = make_scope(
    [ScopeTable("public.persons", (ScopeColumn("person_id"),), "true", "persons: rows may be withheld (B4)")]
)
COLUMNS = format_frame(b"T", pack(">H", 1) + b"a\0" + pack(">IHIhiH", 7, 1, 23, 4, -1, 0))
UNTIL = NOW + timedelta(hours=12)
PERMITTED = Answer("digest", scope=SCOPE, binding=GrantBinding(SCOPE.id, "JH1", "area-1", "", End(UNTIL)))
REFUSED = Answer("digest", Refusal("refused: no", "clause X1", "ask the law department", "deny"))


def find(login: str) -> Credentials | None:
    return Credentials(DANA) if login == "dana" else None


def begin() -> Session:
    return Session(
        SessionSetup(
            session_id=b"s" * 16,
            address="127.0.0.1",
            nonce="serverserverserver",
            cancel_key=(7, b"abcd"),
            server_secret=b"s" * 32,
            database="clear",
            started=NOW,
            find_credentials=find,
        )
    )


def startup(**parameters: str) -> bytes:
    named = {"user": "dana", "database": "clear", "options": "-c doorward.purpose=audit"} | parameters
    return format_startup(StartupMessage(3 << 16, tuple(named.items())))


def log_in(session: Session, password: str = "right", **parameters: str) -> list[Action]:
    session.from_client(startup(**parameters))
    answer = to_client(session.from_client(client_first()))
    return session.from_client(client_final(answer[9:], password))


def to_client(actions: list[Action]) -> bytes:
    return b"".join(action.data for action in actions if isinstance(action, ToClient))


def drafts(actions: list[Action]) -> list[Draft]:
    return [draft for action in actions if isinstance(action, Append) for draft in action.drafts]


def kinds(actions: list[Action]) -> list[Kind]:
    return [draft.kind for draft in drafts(actions)]


def value(draft: Draft, field: Field) -> bytes | None:
    return dict(draft.fields).get(field)


def connected(answer: Answer = PERMITTED) -> tuple[Session, list[Action]]:
    session = begin()
    log_in(session)
    session.answered(answer)
    return session, session.connected(Upstream("dw_g_1", (format_frame(b"S", b"TimeZone\0UTC\0"),)))


def test_a_login_is_recorded_with_its_claims_before_the_door_is_asked() -> None:
    actions = log_in(begin(), application_name="psql")
    assert isinstance(actions[-2], Append)
    assert actions[-1] == AskDoor("dana", {"doorward.purpose": "audit"})
    connect = drafts(actions)[0]
    assert (connect.kind, value(connect, Field.PURPOSE)) == (Kind.CONNECT, b"audit")
    assert value(connect, Field.APPLICATION) == b"psql"


def test_a_wrong_password_is_recorded_and_closed() -> None:
    session = begin()
    actions = log_in(session, "wrong")
    assert isinstance(actions[0], Append)
    assert b"28P01" in to_client(actions)
    assert isinstance(actions[-1], Close)
    assert session.from_client(b"anything") == []


def test_a_refusal_is_recorded_before_it_is_told() -> None:
    session = begin()
    log_in(session)
    actions = session.answered(REFUSED)
    assert [type(action) for action in actions] == [Append, ToClient, Close]
    assert kinds(actions) == [Kind.DECISION, Kind.END]
    said = to_client(actions)
    assert all(word in said for word in (b"28000", b"refused: no", b"clause X1", b"ask the law department"))


def test_a_permit_is_recorded_before_a_login_role_is_bound() -> None:
    session = begin()
    log_in(session)
    actions = session.answered(PERMITTED)
    assert [type(action) for action in actions] == [Append, BindLogin]
    assert value(drafts(actions)[0], Field.SCOPE) == SCOPE.id.encode()


def test_the_welcome_carries_the_servers_parameters_the_notices_and_our_own_cancel_key() -> None:
    session, actions = connected()
    assert kinds(actions) == [Kind.GRANT]
    said = to_client(actions)
    assert b"TimeZone" in said
    assert b"rows may be withheld" in said
    assert b"abcd" in said
    assert said.endswith(format_frame(b"Z", b"I"))
    assert session.deadline == UNTIL


def test_a_query_before_the_door_answered_ends_the_session() -> None:
    session = begin()
    log_in(session)
    actions = session.from_client(format_frame(b"Q", b"SELECT 1\0"))
    assert session.phase is Phase.OVER
    assert kinds(actions) == [Kind.END]
    assert session.answered(PERMITTED) == []


@pytest.mark.parametrize(
    ("parameters", "sqlstate"),
    [
        ({"database": "postgres"}, b"3D000"),
        ({"options": "-c role=postgres"}, b"42704"),
        ({"options": "-c session_preload_libraries=x"}, b"42704"),
        ({"options": "-d5"}, b"08P01"),
    ],
    ids=["database", "role", "library", "switch"],
)
def test_what_may_not_be_asked_at_start_is_refused_without_asking_the_door(
    parameters: dict[str, str], sqlstate: bytes
) -> None:
    actions = log_in(begin(), **parameters)
    assert sqlstate in to_client(actions)
    assert not any(isinstance(action, AskDoor) for action in actions)


def test_settings_that_are_passed_on_reach_the_server_and_claims_do_not() -> None:
    session = begin()
    log_in(session, application_name="psql", options="-c doorward.purpose=audit -c statement_timeout=5s")
    assert session.settings() == {"application_name": "psql", "statement_timeout": "5s"}


def test_a_cancel_request_is_passed_on_and_the_connection_ends() -> None:
    session = begin()
    assert session.from_client(format_cancel(CancelRequest(7, b"abcd"))) == [Cancel(7, b"abcd")]
    assert session.phase is Phase.OVER


def test_a_client_that_goes_in_mid_query_is_recorded_as_cut_and_ended() -> None:
    session, _ = connected()
    session.from_client(format_frame(b"Q", b"SELECT 1\0"))
    session.from_server(COLUMNS + format_frame(b"D", b"xxx"))
    ended = drafts(session.client_gone())
    assert [draft.kind for draft in ended] == [Kind.COMPLETION, Kind.END]
    assert value(ended[0], Field.OUTCOME) == b"cut"
    assert value(ended[0], Field.ROWS) == b"1"


def test_a_lost_server_is_told_and_recorded() -> None:
    session, _ = connected()
    actions = session.server_gone()
    assert b"57P01" in to_client(actions)
    assert kinds(actions) == [Kind.END]


def test_a_clean_goodbye_is_recorded_and_nothing_follows() -> None:
    session, _ = connected()
    actions = session.from_client(format_frame(b"X"))
    assert kinds(actions) == [Kind.END]
    assert isinstance(actions[-1], Close)
    assert session.from_server(format_frame(b"Z", b"I")) == []


def test_a_handshake_that_takes_too_long_is_ended() -> None:
    session = begin()
    assert session.wake(NOW) == []
    assert isinstance(session.wake(NOW + timedelta(seconds=HANDSHAKE_SECONDS))[-1], Close)


def test_a_grant_ends_at_its_time() -> None:
    session, _ = connected()
    assert session.wake(NOW + timedelta(hours=11)) == []
    assert b"57P05" in to_client(session.wake(UNTIL))


@pytest.mark.parametrize("why", Ends)
def test_the_end_of_a_session_says_what_has_ended_and_the_record_has_it(why: Ends) -> None:
    ends = replace(PERMITTED, binding=GrantBinding(SCOPE.id, "JH1", "area-1", "", End(UNTIL, why)))
    session, _ = connected(ends)
    actions = session.wake(UNTIL)
    assert f"{why.sentence}; connect again".encode() in to_client(actions)
    (end,) = drafts(actions)
    assert end.fields == ((Field.REASON, f"the grant ended: {why.word}".encode()),)


def test_a_failure_at_the_door_is_a_denial_without_its_cause() -> None:
    session = begin()
    log_in(session)
    actions = session.fail(UpstreamError("secret detail"))
    assert b"secret" not in to_client(actions)
    assert session.phase is Phase.OVER


def test_garbage_in_the_session_ends_it_for_good() -> None:
    session, _ = connected()
    actions = session.from_client(format_frame(b"F", b"\0"))
    assert b"08P01" in to_client(actions)
    assert session.from_client(format_frame(b"Q", b"SELECT 1\0")) == []
    assert not any(isinstance(action, ToServer) for action in actions)


def test_who_has_half_a_row_is_told_nothing_that_would_be_read_as_its_other_half() -> None:
    row = format_frame(b"D", b"\0\1\0\0\1\0" + b"x" * 256)
    for size in (5, 100, len(row) - 1):
        session, _ = connected()
        session.from_client(format_frame(b"Q", b"SELECT 1\0"))
        assert to_client(session.from_server(COLUMNS + row[:size])) == COLUMNS + row[:size]
        actions = session.stop("this access was ended by the security officer")
        assert to_client(actions) == b""
        assert kinds(actions) == [Kind.COMPLETION, Kind.END]
        assert isinstance(actions[-1], Close)


def test_who_has_whole_rows_is_told_why_the_session_ends() -> None:
    session, _ = connected()
    session.from_client(format_frame(b"Q", b"SELECT 1\0"))
    session.from_server(COLUMNS + format_frame(b"D", b"\0\1\0\0\0\1x"))
    assert b"57P01" in to_client(session.stop("this access was ended by the security officer"))
