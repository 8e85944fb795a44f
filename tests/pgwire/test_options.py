"""The `options` startup parameter, as PostgreSQL reads it; a live test compares with the server's own reading."""

import socket
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from doorward.errors import RemoteProtocolError
from doorward.pgwire.frames import Frame, FrameHop
from doorward.pgwire.messages import PROTOCOL_3_0, StartupMessage, format_query, format_startup, parse_fields
from doorward.pgwire.options import parse_options


@pytest.mark.parametrize(
    ("text", "settings_read"),
    [
        ("", {}),
        (" \t\n\v\f\r ", {}),
        ("-c doorward.purpose=audit", {"doorward.purpose": "audit"}),
        ("-cdoorward.purpose=audit", {"doorward.purpose": "audit"}),
        ("--doorward.purpose=audit", {"doorward.purpose": "audit"}),
        ("--statement-timeout=5s", {"statement_timeout": "5s"}),
        ("-c statement-timeout=5s", {"statement_timeout": "5s"}),
        ("-c doorward.for=CPD --doorward.case=JH-1", {"doorward.for": "CPD", "doorward.case": "JH-1"}),
        ("-c DoorWard.Purpose=Audit", {"doorward.purpose": "Audit"}),
        ("-c a=1 -c a=2", {"a": "2"}),
        ("-c a=1 -c A=2", {"a": "2"}),
        ("-c a-b=1 -c a_b=2", {"a_b": "2"}),
        (r"-c a=two\ words", {"a": "two words"}),
        (r"-c a=back\\slash", {"a": "back\\slash"}),
        (r"-c\ a=1", None),
        ("-c a=1\\", {"a": "1"}),
        ("-c a=x=y", {"a": "x=y"}),
        ("-c a=", {"a": ""}),
        ("-c a=-c -c b=--", {"a": "-c", "b": "--"}),
        ("-c -c=1", {"_c": "1"}),
        ("-c\u00a0a=1", None),
        ("-c a=\u00a0\u2003", {"a": "\u00a0\u2003"}),
    ],
)
def test_settings_are_read_as_postgresql_reads_them(
    text: str, settings_read: Mapping[str, str] | None
) -> None:
    if settings_read is None:
        with pytest.raises(RemoteProtocolError):
            parse_options(text)
    else:
        assert parse_options(text) == settings_read


@pytest.mark.parametrize(
    "text",
    [
        "-d 5",
        "-S 64",
        "-f s",
        "-e",
        "-ec a=1",
        "-O",
        "-P",
        "-p x",
        "-r log",
        "-v 196608",
        "a=1",
        "maria",
        "-",
        "\\-c a=1x y",
    ],
)
def test_what_is_no_setting_is_refused(text: str) -> None:
    with pytest.raises(RemoteProtocolError, match="may only state settings"):
        parse_options(text)


@pytest.mark.parametrize(
    "text",
    ["-c", "-c a", "--", "--a", "-c =1", "-c 1a=1", "-c a..b=1", "-c a.=1", "-c a%=1", "-c \u212aey=1"],
)
def test_a_setting_without_a_name_or_a_value_is_refused(text: str) -> None:
    with pytest.raises(RemoteProtocolError, match="`name=value`") as caught:
        parse_options(text)
    assert caught.value.hint is not None


NAMES = st.from_regex(r"[a-z_][a-z0-9_$]{0,8}(\.[a-z_][a-z0-9_$]{0,8})?", fullmatch=True)


@given(st.dictionaries(NAMES, st.text(max_size=12), max_size=5))
def test_what_is_stated_with_every_sign_escaped_is_read_back(stated: dict[str, str]) -> None:
    words = ["-c " + "".join(f"\\{sign}" for sign in f"{name}={value}") for name, value in stated.items()]
    assert parse_options("  ".join(words)) == stated


@given(st.text(alphabet="-c=ab._ \\\t\u00e9", max_size=30))
def test_any_text_gives_settings_or_the_one_error(text: str) -> None:
    try:
        found = parse_options(text)
    except RemoteProtocolError:
        return
    assert all(name == name.lower() for name in found)


def server_reads(server_socket: Path, text: str, name: str) -> bytes | None:
    """What a real server set for a name, or None where it refused the options."""
    parameters = (("user", "postgres"), ("options", text))
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(10)
        line.connect(str(server_socket))
        line.sendall(format_startup(StartupMessage(PROTOCOL_3_0, parameters)))
        hop = FrameHop()
        while True:
            for item in hop.hop(line.recv(65536)):
                if isinstance(item, Frame):
                    if item.kind == ord("E"):
                        return None
                    if item.kind == ord("Z"):
                        line.sendall(
                            format_query(
                                f"do $$begin raise notice '<%>', current_setting('{name}'); end$$".encode()
                            )
                        )
                    if item.kind == ord("N"):
                        return parse_fields(item.payload)["M"][1:-1]


WORDS = st.builds(
    lambda how, name, value: f"{how}{name}={value}",
    st.sampled_from(["-c ", "-c", "--", " -c\t", "-c\n", "-c \\"]),
    st.sampled_from(["a.b", "A.B", "a.B", "a-b", "a.b.c"]),
    st.text("ab=-\\ \t\n.\u00e9\u2003", max_size=6),
)


@pytest.mark.pg
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(WORDS, max_size=3), st.sampled_from(["", " ", "\\", " -d 5", " x", " --", " -c"]))
def test_a_real_server_reads_a_setting_as_it_is_read_here(
    server_socket: Path, words: list[str], end: str
) -> None:
    text = " ".join(["-c a.b=0", *words]) + end
    read = server_reads(server_socket, text, "a.b")
    try:
        found = parse_options(text)
    except RemoteProtocolError:
        return  # the door may refuse what PostgreSQL takes; it never reads it otherwise
    # None: PostgreSQL refused, for an option such as `a_b` that it does not know, which is not decided here.
    assert read is None or read.decode() == found["a.b"]
    event("read by both" if read is not None else "refused by PostgreSQL")
