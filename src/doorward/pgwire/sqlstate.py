"""The SQLSTATE codes that doorward says itself, by PostgreSQL's names for them.

Source: PostgreSQL 17 documentation, appendix A.
"""

from typing import Final

SUCCESSFUL_COMPLETION: Final = "00000"
CONNECTION_FAILURE: Final = "08006"
PROTOCOL_VIOLATION: Final = "08P01"
FEATURE_NOT_SUPPORTED: Final = "0A000"
INVALID_AUTHORIZATION_SPECIFICATION: Final = "28000"  # every refusal of the order
INVALID_PASSWORD: Final = "28P01"  # noqa: S105  # a code; all that is said before authentication
INVALID_CATALOG_NAME: Final = "3D000"  # no such database
INSUFFICIENT_PRIVILEGE: Final = "42501"  # a plan
INVALID_NAME: Final = "42602"
WRONG_OBJECT_TYPE: Final = "42809"  # COPY of a view, by PostgreSQL
UNDEFINED_FUNCTION: Final = "42883"  # what a function call is made to fail with
UNDEFINED_OBJECT: Final = "42704"  # an unknown setting
CONFIGURATION_LIMIT_EXCEEDED: Final = "53400"  # a limit of the installation
TOO_MANY_CONNECTIONS: Final = "53300"
PROGRAM_LIMIT_EXCEEDED: Final = "54000"
ADMIN_SHUTDOWN: Final = "57P01"
IDLE_SESSION_TIMEOUT: Final = "57P05"
SYSTEM_ERROR: Final = "58000"
