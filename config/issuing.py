"""Keeps the broker's certificate on the shelf, and gives it another one in time."""

from collections.abc import Sequence
from datetime import datetime

from config import certificates
from config.certificates import Pair
from config.shelf import Reader, SetupRefused, Shelf

AUTHORITY_KEY = "ca/ca.key"
AUTHORITY = "devices/ca.crt"
KEY = "broker/server.key"
CERTIFICATE = "broker/server.crt"


def keep_certificate(shelf: Shelf, names: Sequence[str], *, now: datetime) -> None:
    """Leave a certificate that holds these names for long enough; raises `SetupRefused`.

    The authority's key is needed only to make one, so it may be kept elsewhere. A certificate that the operator
    got from another authority is left alone.
    """
    try:
        _keep_certificate(shelf, names, now=now)
    except ValueError as error:
        raise SetupRefused(
            f"a certificate or key in {shelf.directory}/broker, /devices or /ca cannot be read ({error}): "
            "put it back from a backup, or remove it to have a new one made"
        ) from None


def _keep_certificate(shelf: Shelf, names: Sequence[str], *, now: datetime) -> None:
    present = shelf.read(CERTIFICATE)
    if present is not None and not certificates.is_ours(present):
        _keep(shelf, present, says="of another authority: left alone")
        return
    if present is not None and shelf.read(AUTHORITY) is None:
        raise SetupRefused(
            f"{shelf.directory / AUTHORITY} is not there: put it back from a backup or from a device. A new authority "
            f"has to go to every device; for one, remove {shelf.directory / CERTIFICATE} as well"
        )
    authority = _authority(shelf, now=now)
    key = shelf.keep(KEY, certificates.new_key, reader=Reader.BROKER)
    if present is None:
        made = certificates.broker_certificate(_issuer(shelf, authority), key, names=names, now=now)
        _keep(shelf, made, says=_until(made))
        return
    why = certificates.why_renew(Pair(key, present), authority, names=names, now=now)
    if why is None:
        _keep(shelf, present, says=_until(present))
        return
    # A name that was given once stays: whoever renews need not remember it.
    all_names = list(dict.fromkeys((*names, *certificates.names_in(present))))
    made = certificates.broker_certificate(_issuer(shelf, authority), key, names=all_names, now=now)
    shelf.renew(
        CERTIFICATE, made, reader=Reader.BROKER, says=f"{why}; {_until(made)}: restart or reload the broker"
    )


def _authority(shelf: Shelf, *, now: datetime) -> bytes:
    known = shelf.read(AUTHORITY)
    if known is None:
        key = shelf.keep(
            AUTHORITY_KEY,
            certificates.new_key,
            reader=Reader.OPERATOR,
            says="only to renew: keep a copy offline",
        )
        known = certificates.authority_certificate(key, now=now)
    return shelf.keep(AUTHORITY, lambda: known, reader=Reader.EVERYBODY, says="for the devices; no secret")


def _issuer(shelf: Shelf, authority: bytes) -> Pair:
    key = shelf.read(AUTHORITY_KEY)
    if key is None:
        raise SetupRefused(
            f"the broker needs a new certificate, and {shelf.directory / AUTHORITY_KEY} is not there: "
            "put the key back, and start again"
        )
    return Pair(key, authority)


def _keep(shelf: Shelf, certificate: bytes, *, says: str) -> None:
    shelf.keep(CERTIFICATE, lambda: certificate, reader=Reader.BROKER, says=says)


def _until(certificate: bytes) -> str:
    return f"until {certificates.ends(certificate):%Y-%m-%d}"
