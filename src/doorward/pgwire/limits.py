"""Every bound of the wire, with its reason; nothing is buffered beyond one of these."""

from typing import Final

MAX_STARTUP_BYTES: Final = (
    10_000  # PostgreSQL's MAX_STARTUP_PACKET_LENGTH; the packet's own length word not counted
)
MAX_STARTUP_PARAMETERS: Final = 64  # libpq sends up to nine, JDBC up to twelve
MAX_CANCEL_KEY_BYTES: Final = 256  # protocol 3.2; 4 in 3.0
MAX_AUTH_FRAME_BYTES: Final = 8_192  # a SASL message has a few hundred bytes; PostgreSQL takes up to 65,535
MAX_TOKEN_FRAME_BYTES: Final = 65_535  # PG_MAX_AUTH_TOKEN_LENGTH; a provider puts groups into its tokens
MAX_CLIENT_FRAME_BYTES: Final = (
    64 * 1024 * 1024
)  # a statement with its values; PostgreSQL's own limit is 1 GiB
MAX_UNREAD_BYTES: Final = (
    4 * 1024 * 1024
)  # fed beyond one frame before anybody read; event loops pass on <= 256 KiB
MAX_SERVER_FRAME_BYTES: Final = 16 * 1024 * 1024  # any frame but rows; rows stream and are not held
MAX_ROW_BYTES: Final = 0x3FFFFFFF  # PostgreSQL's MaxAllocSize; a row's length field beyond it is no row
# PostgreSQL keeps statements and portals in tables whose keys end at NAMEDATALEN - 1 bytes, so that two longer
# names may be one statement there and two here.
MAX_NAME_BYTES: Final = 63
MAX_NAMED: Final = 10_000  # plans and suspended portals of one session; each costs PostgreSQL kilobytes
MAX_PENDING: Final = 100_000  # messages sent and not yet answered; a 500-deep pipeline uses 2,500
