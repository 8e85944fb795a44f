"""The two servers of a data folder: the city's behind the door, and the record's, which is not.

City: database `clear`; unix socket and 127.0.0.1. Record: the disclosures; socket only, so that nothing that
reaches the city's server over the network reaches what was recorded about it (law 4).

Who may log in, first line that fits (PostgreSQL reads no further):

1. `postgres` and `doorward_admin`: the user who runs doorward, by the kernel's word (peer), on the socket
   only.
2. Members of `dw_sessions`, the roles that stand for one grant each: the same, and rejected over TCP. So a
   grant's role is entered by the gateway or not at all.
3. The city's own roles: SCRAM-SHA-256, as on the server that this one stands for.

`doorward_admin` administers `dw_sessions` and so is its member; line 1 stands first for that reason, and
over TCP it is rejected with the others.
"""

from pathlib import Path

from doorward.embedded.launcher import LOOPBACK, ClusterSpec
from doorward.embedded.owner import our_name
from doorward.embedded.sockets import socket_dir_for

# Part of the socket's name only: the record's server has no listener.
RECORD_PORT = 5432
ADMIN_MAP = "dwadmin"
GATEWAY_MAP = "dwgateway"

# In both servers. The log gets no value of any row: no statements, no parameters, no DETAIL lines.
COMMON_SETTINGS = {
    "password_encryption": "scram-sha-256",
    "lc_messages": "C",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
    "log_statement": "none",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_min_error_statement": "panic",
    "fsync": "on",
    "shared_buffers": "128MB",
    "max_connections": "200",
    "jit": "off",
    # No replica, no archive: COPY into a new table then needs no log of its own before it is synced.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
}

CITY_SETTINGS = {
    # Two hundred sessions, the gateway's own connections, and the city's applications beside them.
    "max_connections": "250",
    # A session whose client is gone ends within a second, in the middle of a query too.
    "client_connection_check_interval": "1s",
}


def city_spec(data: Path, port: int) -> ClusterSpec:
    """Return the server that holds the city's database `clear`.

    Args:
        data: Doorward's data folder; the server's own is `city` in it.
        port: On 127.0.0.1.

    Raises:
        ClusterError: The user who asks has no name on this system.
    """
    data_dir = data.absolute() / "city"
    user = our_name()
    return ClusterSpec(
        name="city",
        data_dir=data_dir,
        socket_dir=socket_dir_for(data_dir),
        port=port,
        tcp=True,
        hba=(
            f"local all postgres peer map={ADMIN_MAP}",
            f"local all doorward_admin peer map={ADMIN_MAP}",
            f"local all +dw_sessions peer map={GATEWAY_MAP}",
            "host all +dw_sessions all reject",
            "host all postgres all reject",
            "local all all scram-sha-256",
            f"host all all {LOOPBACK}/32 scram-sha-256",
        ),
        ident=(
            _ident(ADMIN_MAP, user, "postgres"),
            _ident(ADMIN_MAP, user, "doorward_admin"),
            _ident(GATEWAY_MAP, user, "+dw_sessions"),
        ),
        settings={**COMMON_SETTINGS, **CITY_SETTINGS},
    )


def record_spec(data: Path) -> ClusterSpec:
    """Return the socket-only server that holds the disclosures.

    Args:
        data: Doorward's data folder; the server's own is `record` in it.

    Raises:
        ClusterError: The user who asks has no name on this system.
    """
    data_dir = data.absolute() / "record"
    user = our_name()
    return ClusterSpec(
        name="record",
        data_dir=data_dir,
        socket_dir=socket_dir_for(data_dir),
        port=RECORD_PORT,
        tcp=False,
        hba=(
            f"local all postgres peer map={ADMIN_MAP}",
            f"local all doorward_recorder peer map={ADMIN_MAP}",
            f"local doorward_desk doorward_desk peer map={ADMIN_MAP}",
            f"local doorward_fund doorward_fund peer map={ADMIN_MAP}",
        ),
        ident=(
            _ident(ADMIN_MAP, user, "postgres"),
            _ident(ADMIN_MAP, user, "doorward_recorder"),
            _ident(ADMIN_MAP, user, "doorward_desk"),
            _ident(ADMIN_MAP, user, "doorward_fund"),
        ),
        settings=COMMON_SETTINGS,
    )


def _ident(map_name: str, system_user: str, role: str) -> str:
    # Quoted: a system's user name may have signs that the file would take for its own.
    return f'{map_name} "{system_user}" {role}'
