"""TLS on both sides of the gateway: the contexts, and what a channel binds to.

The listener's certificate is the city's. A client's certificate is asked for where an authority for people is named,
and then verified; nobody needs one who has a password. Towards PostgreSQL the gateway verifies the server and presents
its own certificate, which pg_ident.conf maps to the roles of sessions.

TLS 1.2 is the least, as the CJIS Security Policy's FIPS-validated modules have it; 1.3 is preferred by both sides.
"""

import ssl
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from doorward.errors import ConfigError
from doorward.gateway.knock import ALPN

VERIFYING: Final = frozenset({"verify-full", "verify-ca"})
MODES: Final = (*sorted(VERIFYING), "disable")
_WEAK: Final = (hashes.MD5, hashes.SHA1)  # RFC 5929: bind with SHA-256 in their place


def make_listener_context(
    certificate: Path, key: Path, people: Path | None = None, revoked: Path | None = None
) -> ssl.SSLContext:
    """Return the context of a listener.

    Args:
        certificate: The gateway's certificate, with what stands between it and the root.
        key: Its private key, readable by this user only.
        people: The authority of people's certificates, or None where nobody logs in with one.
        revoked: The authority's list of certificates that it took back, or None where it keeps none. A list that has
            run out lets no certificate in: who is on the next one is not known (RFC 5280, section 6.3.3).

    Raises:
        ConfigError: A file is missing or is not what it must be; the key does not fit, or others may read it.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols([ALPN])
    _load_own(context, certificate, key)
    if people is not None:
        _load_authority(context, people)
        context.verify_mode = ssl.CERT_OPTIONAL
        if revoked is not None:
            _load_revoked(context, revoked)
    return context


def make_upstream_context(parts: Mapping[str, Any]) -> ssl.SSLContext | None:
    """Return the context towards PostgreSQL for a connection string, or None where it says ``sslmode=disable``.

    Args:
        parts: Of the connection string: ``sslmode``, ``sslrootcert``, ``sslcert``, ``sslkey``.

    Raises:
        ConfigError: The mode verifies nothing, or a file is not what it must be.
    """
    mode = parts.get("sslmode", "verify-full")
    if mode == "disable":
        return None
    if mode not in VERIFYING:
        raise ConfigError(
            f"`sslmode={mode}` lets somebody between the gateway and the database pass for it",
            hint=f"one of {', '.join(MODES)}",
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = mode == "verify-full"
    if root := parts.get("sslrootcert"):
        _load_authority(context, Path(root))  # the city's own authority, and no other
    else:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    if certificate := parts.get("sslcert"):
        if not parts.get("sslkey"):
            raise ConfigError("a certificate towards the database needs its key: `sslkey`")
        _load_own(context, Path(certificate), Path(parts["sslkey"]))
    return context


def bind_end_point(certificate: Path) -> bytes:
    """Return the data of tls-server-end-point for a listener's certificate.

    Raises:
        ConfigError: The file holds no certificate.

    Source: RFC 5929, section 4.1: the hash of the certificate's own signature, SHA-256 in place of MD5 and SHA-1.
    """
    try:
        found = x509.load_pem_x509_certificates(certificate.read_bytes())[0]
    except (OSError, ValueError) as error:
        raise ConfigError(f"`{certificate}` holds no certificate") from error
    own = found.signature_hash_algorithm
    algorithm = hashes.SHA256() if own is None or isinstance(own, _WEAK) else own
    digest = hashes.Hash(algorithm)
    digest.update(found.public_bytes(Encoding.DER))
    return digest.finalize()


def name_of_certificate(der: bytes | None) -> str | None:
    """Return the common name of a client's verified certificate, or None where it has none or there is none."""
    if not der:
        return None
    names = x509.load_der_x509_certificate(der).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if len(names) == 1 else None


def end_of_certificate(der: bytes | None) -> datetime | None:
    """Return the last moment of a client's verified certificate, aware, or None where there is none."""
    return x509.load_der_x509_certificate(der).not_valid_after_utc if der else None


def _load_own(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    try:
        if key.stat().st_mode & 0o077:
            raise ConfigError(f"others may read the key `{key}`", hint=f"chmod 600 {key}")
        context.load_cert_chain(certificate, key, password=_no_password)
    except OSError as error:  # ssl's own errors are of this kind
        raise ConfigError(
            f"the certificate `{certificate}` and the key `{key}` are not a pair, or one is missing"
        ) from error


def _load_authority(context: ssl.SSLContext, file: Path) -> None:
    try:
        context.load_verify_locations(file)
    except OSError as error:
        raise ConfigError(f"`{file}` holds no certificate of an authority") from error


def _load_revoked(context: ssl.SSLContext, file: Path) -> None:
    try:
        x509.load_pem_x509_crl(file.read_bytes())
        context.load_verify_locations(file)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"`{file}` holds no list of revoked certificates", hint="PEM: BEGIN X509 CRL"
        ) from error
    context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF


def _no_password() -> str:
    raise ConfigError(
        "a key under a password cannot be read by a service", hint="give it a key that its user owns"
    )
