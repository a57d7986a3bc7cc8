"""Files get their name when they are whole and on the disk; what is damaged there is found."""

import json
import lzma
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.log.archive import files
from services.log.archive.files import ArchiveSet, Writer
from services.log.archive.form import ArchiveRefused, Event, Heading

STARTS, ENDS = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 2, 1, tzinfo=UTC)
HEADING = Heading("0781", 7, "standard", STARTS, ENDS)
FIRST = 1_704_067_200_000_000
EVENTS = [
    Event(
        "hs-a-1", n, f"å-{n}", "device.heartbeat", FIRST + n, FIRST + n, None, None, None, None, '{"a": "ö"}'
    )
    for n in range(20)
]


def a_set(directory: Path) -> ArchiveSet:
    """Write a set of one file."""
    draft = files.draft(directory, "one")
    with Writer(draft, HEADING) as writer:
        writer.add(EVENTS[:12])
        writer.add(EVENTS[12:])
        held = writer.finish()
    return files.publish(draft, directory / "one", [held], made_at=ENDS, heading=HEADING)


def test_a_set_says_what_it_holds_and_opens_again(tmp_path: Path) -> None:
    written = a_set(tmp_path)
    assert files.open_set(tmp_path / "one") == written
    assert (written.events, written.counts) == (20, {"0781": 20})
    assert written.bytes == (tmp_path / "one/0781.jsonl.xz").stat().st_size
    assert [path.name for path in tmp_path.iterdir()] == ["one"]
    pieces = list(files.blocks(tmp_path / "one/0781.jsonl.xz"))
    assert pieces[0] == HEADING
    assert [event for piece in pieces[1:] if isinstance(piece, list) for event in piece] == EVENTS


def test_standard_tools_read_and_check_a_set(tmp_path: Path) -> None:
    a_set(tmp_path)
    subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=tmp_path / "one", check=True, capture_output=True)
    text = subprocess.run(
        ["xz", "--decompress", "--stdout", "0781.jsonl.xz"],
        cwd=tmp_path / "one",
        check=True,
        capture_output=True,
    ).stdout.decode()
    assert [json.loads(line) for line in text.splitlines()][-1]["events"] == 20
    assert "position" in (tmp_path / "one/README.txt").read_text(encoding="utf-8")


def test_what_an_interrupted_run_left_is_begun_again(tmp_path: Path) -> None:
    (files.draft(tmp_path, "one") / "0781.jsonl.xz").write_bytes(b"half")
    assert a_set(tmp_path).events == 20
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


@pytest.mark.parametrize("keep", [0, 1, 100, -1])
def test_a_file_that_was_cut_off_is_refused(tmp_path: Path, keep: int) -> None:
    path = a_set(tmp_path).path / "0781.jsonl.xz"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ArchiveRefused, match="damaged"):
        files.count(path)
    with pytest.raises(ArchiveRefused, match="damaged"):
        files.open_set(path.parent)


def test_a_changed_manifest_or_a_missing_file_is_refused(tmp_path: Path) -> None:
    kept = a_set(tmp_path)
    (kept.path / "0781.jsonl.xz").rename(tmp_path / "elsewhere")
    with pytest.raises(ArchiveRefused, match="cannot be read"):
        files.open_set(kept.path)
    (kept.path / "manifest.json").write_text("{}")
    with pytest.raises(ArchiveRefused, match="damaged"):
        files.open_set(kept.path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.jsonl.xz"
    for content in (b"", b"text", lzma.compress(b"text"), lzma.compress(b"\xff\n"), lzma.compress(b"{}\n")):
        other.write_bytes(content)
        with pytest.raises(ArchiveRefused, match="other"):
            files.count(other)
    with pytest.raises(ArchiveRefused, match="cannot be read"):
        files.count(tmp_path / "missing.jsonl.xz")
