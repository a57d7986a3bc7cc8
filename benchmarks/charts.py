"""Small SVG charts: bars and lines, with units, legible on light and on dark."""

from collections.abc import Mapping, Sequence
from html import escape

WIDTH, LEFT, RIGHT, TOP = 640, 150, 90, 40
_ROW, _PLOT = 34, 200
# Okabe and Ito's colours: told apart by everybody, and strong enough on white and on near-black.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#b07aa1", "#8c6d00", "#56b4e9")
_STYLE = """<style>
text{font:13px system-ui,sans-serif;fill:#1f2328}.q{fill:#59636e}.t{font-size:15px;font-weight:600}
line{stroke:#d1d9e0}polyline{fill:none;stroke-width:2.5}
@media(prefers-color-scheme:dark){text{fill:#f0f6fc}.q{fill:#9198a1}line{stroke:#3d444d}}
</style>"""


def bars(title: str, values: Mapping[str, float], *, unit: str) -> str:
    """Draw one horizontal bar a value, with the value and its unit behind it."""
    most = max(values.values(), default=0.0) or 1.0
    parts = []
    for number, (name, value) in enumerate(values.items()):
        y = TOP + number * _ROW
        width = round(value / most * (WIDTH - LEFT - RIGHT - 30), 1)
        parts.append(_text(LEFT - 8, y + 17, name, anchor="end"))
        parts.append(f'<rect x="{LEFT}" y="{y + 2}" width="{width}" height="22" rx="3" fill="{COLOURS[0]}"/>')
        parts.append(_text(LEFT + width + 6, y + 17, f"{number_words(value)} {unit}"))
    return _svg(title, TOP + len(values) * _ROW + 6, parts)


def lines(
    title: str, series: Mapping[str, Sequence[tuple[float, float]]], *, x_unit: str, y_unit: str
) -> str:
    """Draw one line a series over a common scale that begins at 0; names stand at the lines' ends."""
    points = [point for one in series.values() for point in one]
    most_x = max((x for x, _ in points), default=0.0) or 1.0
    most_y = max((y for _, y in points), default=0.0) or 1.0
    across, bottom = WIDTH - 70 - 130, TOP + 20 + _PLOT
    parts = []
    for share in (0.0, 0.5, 1.0):
        y = bottom - share * _PLOT
        parts.append(f'<line x1="70" x2="{70 + across}" y1="{y}" y2="{y}"/>')
        parts.append(_text(64, y + 4, number_words(most_y * share), anchor="end", quiet=True))
        parts.append(
            _text(70 + share * across, bottom + 20, number_words(most_x * share), anchor="middle", quiet=True)
        )
    ends: list[float] = []
    for number, (name, one) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join(f"{70 + x / most_x * across:.1f},{bottom - y / most_y * _PLOT:.1f}" for x, y in one)
        parts.append(f'<polyline points="{path}" stroke="{colour}"/>')
        y = bottom - one[-1][1] / most_y * _PLOT if one else bottom
        while any(abs(y - other) < 15 for other in ends):
            y += 15
        ends.append(y)
        parts.append(f'<circle cx="{78 + across}" cy="{y:.1f}" r="4" fill="{colour}"/>')
        parts.append(_text(86 + across, y + 4, name))
    parts.append(_text(70, TOP + 8, y_unit, quiet=True))
    parts.append(_text(70 + across, bottom + 38, x_unit, anchor="end", quiet=True))
    return _svg(title, bottom + 48, parts)


def number_words(value: float) -> str:
    """Write a number with thousands apart, and decimals only where they say something."""
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.3g}"


def _svg(title: str, height: float, parts: Sequence[str]) -> str:
    words = escape(title)
    size = f'viewBox="0 0 {WIDTH} {height:.0f}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{words}">'
    return "\n".join(
        [head, f"<title>{words}</title>", _STYLE, _text(10, 22, title, kind="t"), *parts, "</svg>", ""]
    )


def _text(
    x: float, y: float, words: str, *, anchor: str = "start", quiet: bool = False, kind: str = ""
) -> str:
    name = kind or ("q" if quiet else "")
    given = f' class="{name}"' if name else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{given}>{escape(words)}</text>'
