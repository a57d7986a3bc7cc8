"""Charts are well-formed, carry their units, and names do not lie upon each other."""

from xml.etree import ElementTree as ET

from benchmarks.charts import bars, lines, number_words


def test_bars_carry_values_and_units() -> None:
    drawing = ET.fromstring(  # noqa: S314 - drawn by ourselves
        bars("Cost & more", {"broker": 12.5, "a < b": 25.0}, unit="µs")
    )
    texts = ["".join(text.itertext()) for text in drawing.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == ["Cost & more", "broker", "12.5 µs", "a < b", "25 µs"]
    widths = [float(bar.attrib["width"]) for bar in drawing.iter("{http://www.w3.org/2000/svg}rect")]
    assert widths[1] == 2 * widths[0]


def test_lines_with_the_same_end_have_names_apart() -> None:
    same = [(0.0, 0.0), (10.0, 5.0)]
    drawing = ET.fromstring(  # noqa: S314 - drawn by ourselves
        lines("Both", {"p50": same, "p99": same, "none": []}, x_unit="s", y_unit="ms")
    )
    heights = [float(end.attrib["cy"]) for end in drawing.iter("{http://www.w3.org/2000/svg}circle")]
    assert len(heights) == 3
    assert abs(heights[0] - heights[1]) >= 15


def test_numbers_are_short() -> None:
    assert [number_words(value) for value in (14_500, 0.25, 3.0, 12.345, 123.4)] == [
        "14 500", "0.25", "3", "12.3", "123",
    ]  # fmt: skip
