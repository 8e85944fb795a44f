"""A certificate for the phones of one building: a small authority that can speak for these names alone, and one leaf.

Pure but for randomness: the clock is handed in, and `doorward desk` reads and writes the files.

The authority is what a phone comes to trust. It is constrained to the names and addresses that it was made for (RFC
5280, 4.2.1.10) and to servers, so that whoever steals its key can pass for this desk and for nothing else in the world.
"""

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from doorward.errors import ConfigError

AUTHORITY_LIFE: Final = timedelta(days=5 * 365)
LEAF_LIFE: Final = timedelta(
    days=365
)  # phones refuse a leaf of more than 825 days from an authority of one's own
RENEW_BEFORE: Final = timedelta(days=30)
EARLIER: Final = timedelta(hours=1)  # a phone's clock may be behind
SERVERS: Final = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])


@dataclass(frozen=True, slots=True)
class Made:
    """A certificate and its key, as PEM."""

    certificate: bytes
    key: bytes


def make_authority(names: tuple[str, ...], *, now: datetime) -> Made:
    """Return an authority that can speak for these names and addresses, and for nothing below them.

    Args:
        names: Names and addresses, each as a browser types it.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"doorward front desk {now.date()}")])
    permitted = [_subtree(one) for one in names]
    # With none of a kind named, every name of that kind would be permitted: so each kind has one.
    permitted += (
        [] if any(isinstance(one, x509.DNSName) for one in permitted) else [x509.DNSName("localhost")]
    )
    permitted += [] if any(isinstance(one, x509.IPAddress) for one in permitted) else [_subtree("127.0.0.1")]
    if not any(
        isinstance(one.value, ipaddress.IPv6Network) for one in permitted if isinstance(one, x509.IPAddress)
    ):
        permitted.append(_subtree("::1"))
    made = (
        _build(name, name, key.public_key(), now=now, life=AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.NameConstraints(permitted, None), critical=True)
        .add_extension(SERVERS, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Made(made.public_bytes(Encoding.PEM), _private(key))


def make_leaf(authority: Made, names: tuple[str, ...], *, now: datetime) -> Made:
    """Return a certificate of the authority for these names.

    Raises:
        ConfigError: The authority cannot be read, or may not speak for a name.
    """
    above, above_key = _read(authority.certificate), load_pem_private_key(authority.key, password=None)
    assert isinstance(above_key, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "doorward front desk")])
    life = min(LEAF_LIFE, above.not_valid_after_utc - now)
    made = (
        _build(above.subject, name, key.public_key(), now=now, life=life)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(SERVERS, critical=False)
        .add_extension(x509.SubjectAlternativeName([_general(one) for one in names]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(above.public_key()), critical=False)  # type: ignore[arg-type]  # a key that signs
        .sign(above_key, hashes.SHA256())
    )
    return Made(made.public_bytes(Encoding.PEM) + authority.certificate, _private(key))


def is_good(leaf: bytes, authority: bytes, names: tuple[str, ...], *, now: datetime) -> bool:
    """Return whether a leaf is the authority's, covers these names, and holds for a month more."""
    found, above = _read(leaf), _read(authority)
    try:
        found.verify_directly_issued_by(above)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return not missing_names(leaf, names) and found.not_valid_after_utc - now > RENEW_BEFORE


def may_speak(authority: bytes, names: tuple[str, ...], *, now: datetime) -> bool:
    """Return whether an authority holds for a month more, and may speak for these names."""
    found = _read(authority)
    held = found.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
    permitted = {str(one.value) for one in held}
    return (
        found.not_valid_after_utc - now > RENEW_BEFORE
        and {str(_subtree(one).value) for one in names} <= permitted
    )


def missing_names(certificate: bytes, names: tuple[str, ...]) -> list[str]:
    """Return the names and addresses that a certificate is not for, by its list of alternative names alone."""
    try:
        held = _read(certificate).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return list(names)
    addresses = {str(one) for one in held.get_values_for_type(x509.IPAddress)}
    hosts = {one.lower() for one in held.get_values_for_type(x509.DNSName)}
    return [
        one for one in names
        if one.lower() not in addresses | hosts and f"*.{one.lower().partition('.')[2]}" not in hosts
    ]  # fmt: skip


def check_pair(certificate: bytes, key: bytes, names: tuple[str, ...], *, now: datetime) -> None:
    """Refuse a certificate that a phone would refuse.

    Raises:
        ConfigError: It or its key cannot be read, they are not of each other, it holds not now, or not for a name.
    """
    found = _read(certificate)
    try:
        private = load_pem_private_key(key, password=None)
    except (ValueError, TypeError) as error:
        raise ConfigError("the key of the certificate cannot be read, or is encrypted") from error
    if _public(found.public_key()) != _public(private.public_key()):
        raise ConfigError("the key is not the certificate's")
    if not found.not_valid_before_utc <= now < found.not_valid_after_utc:
        raise ConfigError(
            f"the certificate holds from {found.not_valid_before_utc.date()} to {found.not_valid_after_utc.date()}"
        )
    missing = missing_names(certificate, names)
    if missing:
        raise ConfigError(
            f"the certificate is not for {', '.join(missing)[:80]}",
            hint="its list of alternative names has to hold each name and address that browsers type",
        )


def fingerprint(certificate: bytes) -> str:
    """Return the SHA-256 of a certificate as phones show it: pairs of letters and digits."""
    return _read(certificate).fingerprint(hashes.SHA256()).hex(":").upper()


def ends(certificate: bytes) -> datetime:
    """Return until when a certificate holds."""
    return _read(certificate).not_valid_after_utc


def _read(certificate: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(certificate)
    except ValueError as error:
        raise ConfigError("the certificate cannot be read: expected PEM") from error


def _build(
    issuer: x509.Name, subject: x509.Name, key: ec.EllipticCurvePublicKey, *, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .issuer_name(issuer)
        .subject_name(subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLIER)
        .not_valid_after(now + life)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates, key_cert_sign=signs_certificates, crl_sign=False,
        content_commitment=False, key_encipherment=False, data_encipherment=False, key_agreement=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _subtree(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_network(name))
    except ValueError:
        return x509.DNSName(name.lower())


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _public(key: object) -> bytes:
    raw: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]  # any kind of key
    return raw
