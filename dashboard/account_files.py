"""An account as JSON and as CSV, from which anyone can make the figures again.

Times are UTC with milliseconds, lengths whole milliseconds, shares percent with two decimals, rounded down. Text of
figures is written as text in JSON, so that no digit is lost.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from dashboard.account import Account, Part, Piece
from dashboard.reports.tables import safe
from dashboard.web.times import machine
from services.availability.conditions import RULE
from services.availability.figures import ENOUGH_PERCENT, Figures, Times
from services.availability.past import Measured
from services.runtime.spans import Spans
from services.status.moments import moment

COLUMNS = (
    *("part", "point", "day", "from", "until", "condition", "open", "milliseconds"),
    *("availability_percent", "coverage_percent", "open_availability_percent", "open_coverage_percent"),
    *("outages", "rule", "version", "agrees"),
)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

Cell = str | int | bool | Decimal | None


def as_json(account: Account, about: Mapping[str, object]) -> bytes:
    """The whole account; `about` says of what it is and comes first."""
    made = {
        **about,
        "from": _instant(account.window.start),
        "until": _instant(account.window.end),
        "rule": RULE,
        "enough_coverage_percent": ENOUGH_PERCENT,
        "figures": figures_data(account.figures),
        "from_log": None if account.from_log is None else figures_data(account.from_log),
        "parts": [_part(part) for part in account.parts],
        "intervals": {
            device: [_interval(each) for each in those] for device, those in account.intervals.items()
        },
        "maintenance": [
            {"point": work.point, "device": work.device, "reason": work.reason, "spans": _spans(work.spans)}
            for work in account.works
        ],
        "earlier_versions": [
            {
                "day": each.day.isoformat(),
                "version": each.version,
                "rule": each.rule,
                "computed_at": machine(each.computed_at),
                "replaced_at": machine(each.replaced_at),
                "figures": figures_data(each.figures),
            }
            for each in account.earlier
        ],
    }
    return json.dumps(made, ensure_ascii=False, indent=1).encode()


def as_csv(account: Account, point: str, lang: str) -> bytes:
    """First the figure, then each day with its figures, and below it the pieces of time that it is the sum of."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";" if lang == "sv" else ",", lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows([_written(cell, lang) for cell in row] for row in _rows(account, point))
    return _BYTE_ORDER_MARK + text.getvalue().encode()


def figures_data(figures: Figures) -> dict[str, object]:
    """Figures by the whole clock and within the hours; these are null where the hours are not known."""
    return {
        "days": figures.days,
        "outages": figures.outages,
        "hours_known": figures.hours_known,
        "clock": _times(figures.clock),
        "open": _times(figures.service) if figures.hours_known else None,
    }


def _times(times: Times) -> dict[str, object]:
    return {
        "availability_percent": None if times.availability is None else str(times.availability),
        "coverage_percent": str(times.coverage),
        **{f"{name}_ms": value for name, value in times._asdict().items()},
    }


def _part(part: Part) -> dict[str, object]:
    return {
        "day": part.day.isoformat() if part.day else None,
        "from": _instant(part.window.start),
        "until": _instant(part.window.end),
        "rule": part.rule,
        "version": part.version,
        "computed_at": machine(part.computed_at) if part.computed_at else None,
        "agrees": part.same_now,
        "agrees_with_log": part.same_in_log,
        "devices": part.devices,
        "figures": figures_data(part.figures),
        "pieces": [
            {
                "from": _instant(piece.start),
                "until": _instant(piece.end),
                "condition": piece.condition.name.lower(),
                "open": piece.open,
            }
            for piece in part.pieces
        ],
    }


def _interval(each: Measured) -> dict[str, object]:
    return {
        "from": _instant(each.start),
        "until": None if each.end is None else _instant(each.end),
        "state": each.state,
        "reason": each.reason,
    }


def _spans(spans: Spans) -> list[Sequence[str]]:
    return [(_instant(span.start), _instant(span.end)) for span in spans]


def _rows(account: Account, point: str) -> Iterator[list[Cell]]:
    whole = [*_between(account.window.start, account.window.end), None, None, None]
    yield [
        "figure",
        point,
        None,
        *whole,
        *_shares(account.figures),
        account.figures.outages,
        RULE,
        None,
        None,
    ]
    for part in account.parts:
        day = part.day.isoformat() if part.day else None
        whole = [*_between(part.window.start, part.window.end), None, None, None]
        shares = _shares(part.figures)
        yield [
            "day",
            point,
            day,
            *whole,
            *shares,
            part.figures.outages,
            part.rule,
            part.version,
            part.same_now,
        ]
        for piece in part.pieces:
            yield ["piece", point, day, *_piece(piece), *[None] * 8]


def _piece(piece: Piece) -> list[Cell]:
    between = _between(piece.start, piece.end)
    return [*between, piece.condition.name.lower(), piece.open, piece.end - piece.start]


def _shares(figures: Figures) -> list[Cell]:
    service = figures.service if figures.hours_known and figures.service.window else None
    return [
        figures.clock.availability,
        figures.clock.coverage,
        service.availability if service else None,
        service.coverage if service else None,
    ]


def _between(start: int, end: int) -> list[Cell]:
    return [_instant(start), _instant(end)]


def _instant(at: int) -> str:
    return machine(moment(at))


def _written(cell: Cell, lang: str) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return "true" if cell else "false"
        case Decimal():
            return str(cell).replace(".", ",") if lang == "sv" else str(cell)
        case int():
            return str(cell)
        case str():
            return safe(cell)
