"""Private certificate authorities that live as long as a test."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_LASTS = timedelta(days=1)
_NAMES = x509.SubjectAlternativeName([x509.DNSName("localhost")])


@dataclass(frozen=True, slots=True)
class Pair:
    """A key and its certificate."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    def write(self, certificate: Path, key: Path | None = None) -> Path:
        """Write them as PEM files and return the certificate's."""
        certificate.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        if key is not None:
            form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            key.write_bytes(self.key.private_bytes(serialization.Encoding.PEM, *form))
        return certificate


def authority(name: str = "test authority") -> Pair:
    """Make an authority that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    return Pair(key, _signed(name, key, issuer=None, ca=True))


def localhost(issuer: Pair) -> Pair:
    """Make a certificate for this machine."""
    key = ec.generate_private_key(ec.SECP256R1())
    return Pair(key, _signed("test broker", key, issuer=issuer, ca=False))


def _signed(name: str, key: ec.EllipticCurvePrivateKey, *, issuer: Pair | None, ca: bool) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signer = issuer.key if issuer else key
    now = datetime.now(UTC)
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=ca, crl_sign=ca, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    return (
        x509.CertificateBuilder(issuer.certificate.subject if issuer else subject, subject, key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _LASTS)
        .not_valid_after(now + _LASTS)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(_NAMES, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .sign(signer, hashes.SHA256())
    )
