"""The private certificate authority of an installation's broker, and the certificate that it gives the broker.

Devices trust this authority alone, so its key stays with the operator. The web pages have a certificate of their
own, which is the proxy's business.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LASTS = timedelta(days=20 * 365)
BROKER_LASTS = timedelta(days=2 * 365)
RENEW_WITHIN = timedelta(days=90)
# A device without a battery for its clock wakes up in 1970, and learns the time only once it is connected.
_SINCE = datetime(1970, 1, 1, tzinfo=UTC)
_AUTHORITY = "bypunkt devices"


@dataclass(frozen=True, slots=True)
class Pair:
    """A private key and its certificate, both as PEM."""

    key: bytes
    certificate: bytes


def new_key() -> bytes:
    """Make a private key (P-256, which small devices can do too) as PEM."""
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def authority_certificate(key: bytes, *, now: datetime) -> bytes:
    """Make the authority's certificate (PEM), named for the day so that it is told from one that it replaces."""
    name = _named(f"{_AUTHORITY} {now:%Y-%m-%d}")
    builder = (
        _builder(name, issuer=name, key=key, until=now + AUTHORITY_LASTS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
    )
    return _signed(builder, key)


def broker_certificate(authority: Pair, key: bytes, *, names: Sequence[str], now: datetime) -> bytes:
    """Make the certificate (PEM) for a broker's key, for the names and addresses that it is reached by."""
    issuer = x509.load_pem_x509_certificate(authority.certificate)
    until = min(now + BROKER_LASTS, issuer.not_valid_after_utc)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(_loaded(authority.key).public_key())
    builder = (
        _builder(_named("bypunkt broker"), issuer=issuer.subject, key=key, until=until)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(_alternative(names)), critical=False)
        .add_extension(identifier, critical=False)
    )
    return _signed(builder, authority.key)


def why_renew(broker: Pair, authority: bytes, *, names: Sequence[str], now: datetime) -> str | None:
    """Say why the broker needs another certificate than it has; None when that will do."""
    present = x509.load_pem_x509_certificate(broker.certificate)
    if present.not_valid_after_utc - now < RENEW_WITHIN:
        return f"it ends on {present.not_valid_after_utc:%Y-%m-%d}"
    if not {str(_general(name).value) for name in names} <= set(names_in(broker.certificate)):
        return "it lacks a name"
    if present.public_key() != _loaded(broker.key).public_key():
        return "its key has changed"
    try:
        present.verify_directly_issued_by(x509.load_pem_x509_certificate(authority))
    except (ValueError, InvalidSignature):
        return "the authority has changed"
    return None


def is_ours(certificate: bytes) -> bool:
    """Whether an authority of ours gave this certificate (PEM), rather than one that the operator chose."""
    issuer = x509.load_pem_x509_certificate(certificate).issuer
    return any(
        str(name.value).startswith(_AUTHORITY) for name in issuer.get_attributes_for_oid(NameOID.COMMON_NAME)
    )


def names_in(certificate: bytes) -> list[str]:
    """Return the names and addresses that a certificate (PEM) is for."""
    extensions = x509.load_pem_x509_certificate(certificate).extensions
    return [str(name.value) for name in extensions.get_extension_for_class(x509.SubjectAlternativeName).value]


def ends(certificate: bytes) -> datetime:
    """Return when a certificate (PEM) ends."""
    return x509.load_pem_x509_certificate(certificate).not_valid_after_utc


def _builder(
    subject: x509.Name, *, issuer: x509.Name, key: bytes, until: datetime
) -> x509.CertificateBuilder:
    public = _loaded(key).public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_SINCE)
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _signed(builder: x509.CertificateBuilder, key: bytes) -> bytes:
    return builder.sign(_loaded(key), hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _loaded(key: bytes) -> ec.EllipticCurvePrivateKey:
    loaded = serialization.load_pem_private_key(key, password=None)
    if not isinstance(loaded, ec.EllipticCurvePrivateKey):
        raise ValueError("the key is not one that `bypunkt setup` made (P-256)")  # noqa: TRY004 - what it holds is wrong
    return loaded


def _named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _alternative(names: Sequence[str]) -> list[x509.GeneralName]:
    return [_general(name) for name in dict.fromkeys(names)]


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
