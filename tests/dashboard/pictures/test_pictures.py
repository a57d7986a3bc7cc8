"""The pictures of the documentation: one of each page, variant and state, small enough, and shown with words."""

from tests.dashboard.pictures import album, shown

MOST_BYTES = 14_000_000


def test_every_page_and_state_has_its_picture_and_no_picture_is_left_over() -> None:
    """`make pictures` takes them."""
    there = {path.name for path in album.PICTURES.iterdir()}
    assert there == shown.files()


def test_pictures_are_pictures_and_small() -> None:
    bodies = {path.name: path.read_bytes() for path in album.PICTURES.iterdir()}
    assert [name for name, body in bodies.items() if body[:4] + body[8:12] != b"RIFFWEBP"] == []
    assert sum(map(len, bodies.values())) < MOST_BYTES


def test_page_of_pictures_is_as_the_list_says() -> None:
    text = album.PAGE.read_text(encoding="utf-8")
    assert text == album.page()
    assert all(f'src="pictures/{name}" alt="' in text for name in shown.files())
