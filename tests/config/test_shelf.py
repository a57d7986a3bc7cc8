"""Secrets on disk: whole or not there, never overwritten, and open to their reader alone."""

import os
import threading
from pathlib import Path

import pytest

from config.shelf import Reader, SetupRefused, Shelf, State, opened
from services.runtime.accounts import Account


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path, {})


def mode(path: Path) -> str:
    return oct(path.stat().st_mode & 0o7777)


def test_what_is_there_is_kept(shelf: Shelf) -> None:
    assert shelf.keep("run/secret", lambda: b"first", reader=Reader.PROGRAM) == b"first"
    assert shelf.keep("run/secret", lambda: b"second", reader=Reader.PROGRAM) == b"first"
    assert [made.state for made in shelf.made] == [State.MADE, State.KEPT]


@pytest.mark.parametrize(
    ("reader", "folder", "file"),
    [
        (Reader.OPERATOR, "0o700", "0o600"),
        (Reader.PROGRAM, "0o750", "0o640"),
        (Reader.BROKER, "0o750", "0o640"),
        (Reader.EVERYBODY, "0o755", "0o644"),
    ],
)
def test_modes_are_those_of_the_reader_whatever_the_umask(
    shelf: Shelf, reader: Reader, folder: str, file: str
) -> None:
    for umask in (0o000, 0o077):
        before = os.umask(umask)
        try:
            shelf.keep(f"folder-{umask}/secret", lambda: b"x", reader=reader)
        finally:
            os.umask(before)
        path = shelf.directory / f"folder-{umask}" / "secret"
        assert (mode(path.parent), mode(path)) == (folder, file)


def test_modes_that_were_opened_by_hand_are_closed_again(shelf: Shelf) -> None:
    shelf.keep("run/secret", lambda: b"x", reader=Reader.PROGRAM)
    path = shelf.directory / "run/secret"
    path.chmod(0o666)
    path.parent.chmod(0o777)
    shelf.keep("run/secret", lambda: b"x", reader=Reader.PROGRAM)
    assert (mode(path.parent), mode(path)) == ("0o750", "0o640")


def test_draft_is_never_left_nor_taken_for_a_secret(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            shelf.keep("run/secret", lambda: b"half", reader=Reader.PROGRAM)
    assert list((shelf.directory / "run").iterdir()) == []
    assert shelf.keep("run/secret", lambda: b"whole", reader=Reader.PROGRAM) == b"whole"


def test_empty_secret_is_refused(shelf: Shelf) -> None:
    (shelf.directory / "secret").write_text("\n")
    with pytest.raises(SetupRefused, match="is empty: remove it"):
        shelf.keep("secret", lambda: b"x", reader=Reader.PROGRAM)


def test_file_that_was_handed_over_belongs_to_its_reader_and_is_not_looked_into(shelf: Shelf) -> None:
    path = shelf.directory / "store" / "accounts.json"
    shelf.hand_over(path, lambda: b"first", reader=Reader.BROKER)
    assert (mode(path.parent), mode(path)) == ("0o700", "0o600")
    path.write_text("the broker's own")
    shelf.hand_over(path, lambda: b"first", reader=Reader.BROKER)
    assert path.read_text() == "the broker's own"
    assert [made.state for made in shelf.made] == [State.MADE, State.KEPT]


def test_file_is_its_reader_s_from_its_first_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is cut off in between would leave a file that its reader cannot open, and that is then kept."""
    done: list[str] = []
    rename = Path.replace

    def renamed(path: Path, to: Path) -> Path:
        done.append("there")
        return rename(path, to)

    monkeypatch.setattr(os, "fchown", lambda _descriptor, uid, gid: done.append(f"given to {uid}:{gid}"))
    monkeypatch.setattr(
        os, "chown", lambda path, uid, gid, **_: done.append(f"{Path(path).name} {uid}:{gid}")
    )
    monkeypatch.setattr(Path, "replace", renamed)
    shelf = Shelf(tmp_path, {Reader.BROKER: Account("m", 9, 10)})
    shelf.hand_over(tmp_path / "store/own", lambda: b"x", reader=Reader.BROKER)
    assert done == ["store 9:10", "given to 9:10", "there"]


def test_renewal_replaces_the_whole_file(shelf: Shelf) -> None:
    shelf.keep("broker/crt", lambda: b"old and long", reader=Reader.BROKER)
    shelf.renew("broker/crt", b"new", reader=Reader.BROKER, says="it ended")
    assert shelf.read("broker/crt") == b"new"
    assert (shelf.made[-1].state, shelf.made[-1].says) == (State.RENEWED, "it ended")
    assert [path.name for path in (shelf.directory / "broker").iterdir()] == ["crt"]


def test_files_go_to_the_group_of_their_reader(tmp_path: Path) -> None:
    given: list[tuple[str, int, int]] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "chown", lambda path, uid, gid, **_: given.append((Path(path).name, uid, gid)))
        patched.setattr(os, "fchown", lambda _descriptor, uid, gid: given.append(("own", uid, gid)))
        shelf = Shelf(
            tmp_path, {Reader.PROGRAM: Account("bypunkt", 7, 8), Reader.BROKER: Account("m", 9, 10)}
        )
        shelf.keep("run/secret", lambda: b"x", reader=Reader.PROGRAM)
        shelf.keep("ca/key", lambda: b"x", reader=Reader.OPERATOR)
        shelf.hand_over(tmp_path / "store/own", lambda: b"x", reader=Reader.BROKER)
    assert given == [("run", -1, 8), ("secret", -1, 8), ("store", 9, 10), ("own", 9, 10)]


def test_two_at_once_end_with_the_secrets_of_one(tmp_path: Path) -> None:
    seen: list[bytes] = []

    def work(number: int) -> None:
        with opened(tmp_path / "new", {}, mode=0o700) as shelf:
            seen.append(shelf.keep("run/secret", lambda: str(number).encode(), reader=Reader.PROGRAM))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8
    assert len(set(seen)) == 1
    assert mode(tmp_path / "new") == "0o700"


def test_full_disk_is_one_line_that_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SetupRefused) as refused, opened(tmp_path / "new", {}, mode=0o700) as shelf:
        shelf.keep("run/secret", lambda: b"x", reader=Reader.PROGRAM)
    assert str(refused.value).startswith(f"{tmp_path / 'new'}: No space left on device")


def test_directory_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SetupRefused, match="file"), opened(tmp_path / "file", {}, mode=0o700):
        raise AssertionError("it must not be opened")
