"""However an object is written, a key that stands twice is seen, and whatever else it says is read as it stands."""

import json

from hypothesis import example, given
from hypothesis import strategies as st

from services.events import document
from services.events.document import Doubled, Element

blanks = st.sampled_from(["", "", "", " ", "\t", "\n ", "\r\n"])
keys = st.sampled_from(["id", "data", "a", "a", "b", "c d", 'q":', "\\"])
leaves = st.sampled_from([1, True, None, "x", "a:b", 'say "":', "tail\\"])


@st.composite
def objects(draw: st.DrawFn, depth: int = 2) -> str:
    """JSON text of an object whose keys may stand twice, with blanks and escapes wherever JSON allows them."""
    members = []
    for _ in range(draw(st.integers(0, 4))):
        key = json.dumps(draw(keys))
        if draw(st.integers(0, 7)) == 0:
            key = key.replace("a", "\\u0061")
        value = json.dumps(draw(leaves))
        if depth and draw(st.booleans()):
            value = draw(objects(depth - 1))
        members.append("".join((draw(blanks), key, draw(blanks), ":", draw(blanks), value, draw(blanks))))
    return "{" + ",".join(members) + "}"


def carefully(text: str) -> object:
    """Read it with an eye on every pair."""

    def pairs(found: list[tuple[str, object]]) -> dict[str, object]:
        said = dict(found)
        return said if len(said) == len(found) else Doubled(said)

    return json.loads(text, object_pairs_hook=pairs)


def marks(value: object) -> object:
    """Return a value with what tells a doubled object from a plain one."""
    if isinstance(value, dict):
        return type(value).__name__, {key: marks(part) for key, part in value.items()}
    return value


@given(objects())
@example('{"id":"a","data":{"a":1,"a" :2}}')
@example('{"data":{"a":1,"\\u0061":2}}')
def test_a_key_that_stands_twice_is_seen_however_it_is_written(text: str) -> None:
    for payload in (text, f"[{text}, {text}]"):
        found = document.elements(payload.encode())
        assert isinstance(found, list)
        assert [marks(element.value) for element in found] == [marks(carefully(text))] * len(found)
        assert all(isinstance(element, Element) for element in found)
