"""Certificates: what a TLS client accepts, and when the broker needs another one."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from config import certificates
from config.certificates import Pair

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
NAMES = ["punkt.test", "127.0.0.1"]


@pytest.fixture
def authority() -> Pair:
    key = certificates.new_key()
    return Pair(key, certificates.authority_certificate(key, now=NOW))


@pytest.fixture
def broker(authority: Pair) -> Pair:
    key = certificates.new_key()
    return Pair(key, certificates.broker_certificate(authority, key, names=NAMES, now=NOW))


@pytest.fixture
def port(broker: Pair, tmp_path: Path) -> Iterator[int]:
    """A TLS server with the broker's certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (tmp_path / "key").write_bytes(broker.key)
    (tmp_path / "crt").write_bytes(broker.certificate)
    context.load_cert_chain(tmp_path / "crt", tmp_path / "key")
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        listening.settimeout(20)
        thread = threading.Thread(target=_greet, args=(listening, context))
        thread.start()
        yield listening.getsockname()[1]
        thread.join()


def _greet(listening: socket.socket, context: ssl.SSLContext) -> None:
    plain, _ = listening.accept()
    try:
        with context.wrap_socket(plain, server_side=True) as secured:
            secured.send(b"hello")
    except OSError:
        plain.close()


def greeting(port: int, authority: bytes, *, name: str) -> bytes:
    context = ssl.create_default_context(cadata=authority.decode())
    context.verify_flags |= ssl.VERIFY_X509_STRICT  # as Python 3.13 does by itself
    with (
        socket.create_connection(("127.0.0.1", port), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname=name) as secured,
    ):
        return secured.recv(5)


@pytest.mark.parametrize("name", NAMES)
def test_strict_client_with_the_authority_accepts_every_name(port: int, authority: Pair, name: str) -> None:
    assert greeting(port, authority.certificate, name=name) == b"hello"


def test_client_refuses_another_name(port: int, authority: Pair) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        greeting(port, authority.certificate, name="other.test")


def test_client_with_another_authority_of_the_same_name_refuses(port: int) -> None:
    key = certificates.new_key()
    with pytest.raises(ssl.SSLCertVerificationError):
        greeting(port, certificates.authority_certificate(key, now=NOW), name=NAMES[0])


def test_certificate_is_good_for_a_device_whose_clock_says_1970(authority: Pair, broker: Pair) -> None:
    from cryptography import x509  # noqa: PLC0415 - only this test looks inside

    for made in (authority, broker):
        assert x509.load_pem_x509_certificate(made.certificate).not_valid_before_utc.year == 1970


def test_certificate_is_renewed_ninety_days_before_its_end_and_not_earlier(
    authority: Pair, broker: Pair
) -> None:
    end = certificates.ends(broker.certificate)
    assert end == NOW + timedelta(days=730)

    def why(now: datetime) -> str | None:
        return certificates.why_renew(broker, authority.certificate, names=NAMES, now=now)

    assert why(end - timedelta(days=91)) is None
    assert why(end - timedelta(days=89)) == f"it ends on {end:%Y-%m-%d}"


def test_other_reasons_to_renew(authority: Pair, broker: Pair) -> None:
    def why(broker: Pair, authority: bytes, *names: str) -> str | None:
        return certificates.why_renew(broker, authority, names=names, now=NOW)

    other = certificates.new_key()
    assert why(broker, authority.certificate, "punkt.test") is None
    assert why(broker, authority.certificate, "punkt.test", "10.0.0.1") == "it lacks a name"
    assert why(replace(broker, key=other), authority.certificate) == "its key has changed"
    changed = certificates.authority_certificate(other, now=NOW)
    assert why(broker, changed) == "the authority has changed"


def test_broker_never_outlives_its_authority(authority: Pair) -> None:
    late = NOW + certificates.AUTHORITY_LASTS - timedelta(days=10)
    made = certificates.broker_certificate(authority, certificates.new_key(), names=NAMES, now=late)
    assert certificates.ends(made) == certificates.ends(authority.certificate)


def test_names_come_back_as_they_were_given(broker: Pair) -> None:
    assert certificates.names_in(broker.certificate) == NAMES
    assert certificates.is_ours(broker.certificate)


def test_key_of_another_kind_is_refused() -> None:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - only this test looks inside
    from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415 - likewise

    key = ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(ValueError, match="P-256"):
        certificates.authority_certificate(key, now=NOW)
