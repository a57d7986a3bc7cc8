"""The broker's certificate on the shelf: made, kept, renewed, and left alone."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from config import certificates
from config.certificates import Pair
from config.issuing import AUTHORITY, AUTHORITY_KEY, CERTIFICATE, KEY, keep_certificate
from config.shelf import SetupRefused, Shelf, State

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
NAMES = ("punkt.test", "localhost")


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    made = Shelf(tmp_path, {})
    keep_certificate(made, NAMES, now=NOW)
    return made


def again(shelf: Shelf, *names: str, now: datetime = NOW) -> dict[str, State]:
    shelf.made.clear()
    keep_certificate(shelf, names or NAMES, now=now)
    return {str(made.path.relative_to(shelf.directory)): made.state for made in shelf.made}


def content(shelf: Shelf, name: str) -> bytes:
    found = shelf.read(name)
    assert found is not None
    return found


def test_first_time_makes_all_four(shelf: Shelf) -> None:
    names = {str(made.path.relative_to(shelf.directory)): made.state for made in shelf.made}
    assert names == dict.fromkeys((AUTHORITY_KEY, AUTHORITY, KEY, CERTIFICATE), State.MADE)
    broker = Pair(content(shelf, KEY), content(shelf, CERTIFICATE))
    assert certificates.why_renew(broker, content(shelf, AUTHORITY), names=NAMES, now=NOW) is None


def test_second_time_keeps_all_even_without_the_authority_s_key(shelf: Shelf) -> None:
    before = {name: content(shelf, name) for name in (AUTHORITY, KEY, CERTIFICATE)}
    (shelf.directory / AUTHORITY_KEY).unlink()
    assert again(shelf) == dict.fromkeys((AUTHORITY, KEY, CERTIFICATE), State.KEPT)
    assert {name: content(shelf, name) for name in before} == before


def test_renewal_in_time_keeps_key_authority_and_every_name_ever_given(shelf: Shelf) -> None:
    again(shelf, *NAMES, "10.0.0.1")
    kept = {name: content(shelf, name) for name in (AUTHORITY, AUTHORITY_KEY, KEY)}
    late = NOW + certificates.BROKER_LASTS - timedelta(days=30)
    assert again(shelf, now=late)[CERTIFICATE] is State.RENEWED
    assert {name: content(shelf, name) for name in kept} == kept
    renewed = content(shelf, CERTIFICATE)
    assert certificates.ends(renewed) == late + certificates.BROKER_LASTS
    assert set(certificates.names_in(renewed)) == {*NAMES, "10.0.0.1"}
    assert "until 2030" in shelf.made[-1].says


def test_renewal_without_the_authority_s_key_says_what_to_do(shelf: Shelf) -> None:
    (shelf.directory / AUTHORITY_KEY).unlink()
    before = content(shelf, CERTIFICATE)
    with pytest.raises(SetupRefused, match=r"ca/ca\.key is not there: put the key back"):
        again(shelf, "new.test")
    assert content(shelf, CERTIFICATE) == before


def test_certificate_of_another_authority_is_left_alone(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificates, "_AUTHORITY", "Somebody Else")
    key = certificates.new_key()
    foreign = Pair(key, certificates.authority_certificate(key, now=NOW))
    made = certificates.broker_certificate(foreign, key, names=["mqtt.test"], now=NOW)
    monkeypatch.undo()
    (shelf.directory / CERTIFICATE).write_bytes(made)
    late = NOW + certificates.BROKER_LASTS
    assert again(shelf, "new.test", now=late) == {CERTIFICATE: State.KEPT}
    assert content(shelf, CERTIFICATE) == made


@pytest.mark.parametrize("address", ["2001:DB8::7", "2001:0db8:0::0007"])
def test_address_is_the_same_however_it_is_written(shelf: Shelf, address: str) -> None:
    assert again(shelf, *NAMES, "2001:db8::7")[CERTIFICATE] is State.RENEWED
    assert again(shelf, *NAMES, address)[CERTIFICATE] is State.KEPT


def test_lost_authority_is_not_replaced_behind_the_back_of_the_devices_that_trust_it(shelf: Shelf) -> None:
    before = content(shelf, CERTIFICATE)
    (shelf.directory / AUTHORITY).unlink()
    with pytest.raises(SetupRefused, match=r"devices/ca\.crt is not there.*put it back.*every device"):
        again(shelf)
    assert content(shelf, CERTIFICATE) == before
    assert shelf.read(AUTHORITY) is None
    (shelf.directory / CERTIFICATE).unlink()
    assert again(shelf)[AUTHORITY] is State.MADE


@pytest.mark.parametrize("name", [CERTIFICATE, KEY, AUTHORITY])
def test_file_that_is_no_certificate_is_one_line(shelf: Shelf, name: str) -> None:
    (shelf.directory / name).write_text("not a certificate")
    with pytest.raises(SetupRefused, match="cannot be read") as refused:
        again(shelf, "new.test")
    assert len(str(refused.value).splitlines()) == 1
