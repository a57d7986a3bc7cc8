"""Take a registry file in: municipalities, service points, devices and goals, as JSON or TOML.

A file is taken in whole or not at all, and again without harm: what is there is updated, nothing is deleted.
Every mistake is reported with its place in the file.
"""

import json
import tomllib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from services.storage.database import Connection, Database, Role, Tenants
from services.storage.sql import load_queries
from services.tenants.exceptions import keep_exceptions
from services.tenants.goals import keep_goals
from services.tenants.models import DeviceRecord, MunicipalityRecord, PointRecord, RegistryFile

queries = load_queries(__package__, "registry.sql")


class ImportRefused(Exception):
    """A registry file cannot be taken in; each line says what is wrong, where, and what to do."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Imported:
    """How many records of each kind a file held."""

    municipalities: int
    localities: int
    points: int
    devices: int
    goals: int


def read_registry(path: Path) -> RegistryFile:
    """Read and check a registry file; raises `ImportRefused`."""
    try:
        text = path.read_text(encoding="utf-8")
        raw: Any = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except OSError as error:
        raise ImportRefused([f"{path}: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise ImportRefused([f"{path}: is not UTF-8 text"]) from None
    except RecursionError:
        raise ImportRefused([f"{path}: is not valid {_kind(path)}: nested too deep"]) from None
    except (json.JSONDecodeError, tomllib.TOMLDecodeError) as error:
        raise ImportRefused([f"{path}: is not valid {_kind(path)}: {error}"]) from None
    try:
        return RegistryFile.model_validate(raw)
    except ValidationError as error:
        raise ImportRefused(
            [f"{path}: {_place(problem['loc'])}: {problem['msg']}" for problem in error.errors()]
        ) from None


async def import_registry(
    database: Database, registry: RegistryFile, *, only: set[str] | None = None
) -> Imported:
    """Write a registry into the database, for the municipalities in `only` if it is given.

    Raises `ImportRefused` when a name belongs to another municipality already, or a reference leads nowhere.
    """
    codes = [record.code for record in registry.municipalities if only is None or record.code in only]
    if unknown := sorted((only or set()) - set(codes)):
        raise ImportRefused([f"municipality {code} is not in the file" for code in unknown])
    points = [point for point in registry.service_points if only is None or point.municipality in only]
    standing = {point.id: point.municipality for point in points}
    devices = [device for device in registry.devices if _wanted(device, standing, only)]
    homes = {device.id: _home(device, standing) for device in devices}
    goals = [goal for goal in registry.goals if only is None or goal.municipality in only]
    whose = {*codes, *standing.values(), *homes.values(), *(goal.municipality for goal in goals)}
    scope = Tenants(tuple(sorted(whose)))
    async with database.transaction(Role.WEB, scope) as connection:
        rows = [_municipality_row(record) for record in registry.municipalities if record.code in codes]
        await connection.executemany(queries.put_municipality, rows)
        known = {row["code"] for row in await connection.fetch(queries.municipality_codes)}
        if missing := sorted(set(scope.codes) - known):
            raise ImportRefused(
                [f"municipality {code} is not registered and not in the file" for code in missing]
            )
        localities = await _put_localities(connection, points, synthetic=registry.synthetic)
        await _claim(connection, "point", standing)
        rows = [_point_row(point, synthetic=registry.synthetic) for point in points]
        await connection.executemany(queries.put_point, rows)
        await keep_exceptions(connection, points)
        await _claim(connection, "device", homes)
        await _refuse_lost_devices(connection, devices, homes)
        rows = [_device_row(device, homes[device.id], synthetic=registry.synthetic) for device in devices]
        await connection.executemany(queries.put_device, rows)
        if problems := await keep_goals(connection, goals, synthetic=registry.synthetic):
            raise ImportRefused(problems)
        await connection.execute(queries.announce_registry)
    return Imported(len(codes), localities, len(points), len(devices), len(goals))


def _kind(path: Path) -> str:
    return "TOML" if path.suffix == ".toml" else "JSON"


def _wanted(device: DeviceRecord, standing: dict[str, str], only: set[str] | None) -> bool:
    return only is None or device.point in standing or device.municipality in only


def _home(device: DeviceRecord, standing: dict[str, str]) -> str:
    home = device.municipality or standing.get(device.point or "")
    if home is None:
        raise ImportRefused(
            [f"device {device.id}: point {device.point!r} is not in the file; name a municipality"]
        )
    return home


async def _refuse_lost_devices(
    connection: Connection, devices: list[DeviceRecord], homes: dict[str, str]
) -> None:
    points = {(row["municipality"], row["id"]) for row in await connection.fetch(queries.point_names)}
    retired = {row["id"] for row in await connection.fetch(queries.retired_devices)}
    lost = [
        f"device {device.id}: there is no service point {device.point} in municipality {homes[device.id]}"
        for device in devices
        if device.point and (homes[device.id], device.point) not in points
    ]
    risen = [
        f"device {device.id} is retired for good; register what has taken its place under a new name"
        for device in devices
        if device.id in retired and device.lifecycle not in (None, "retired")
    ]
    if lost or risen:
        raise ImportRefused(lost + risen)


def _municipality_row(record: MunicipalityRecord) -> tuple[object, ...]:
    return (
        record.code,
        record.name,
        record.county,
        record.county_code,
        record.seat.lat,
        record.seat.lon,
        record.languages,
        record.in_pilot,
    )


async def _put_localities(connection: Connection, points: list[PointRecord], *, synthetic: bool) -> int:
    by_place: dict[tuple[str, str], PointRecord] = {}
    for point in points:
        if point.locality:
            by_place.setdefault((point.municipality, point.locality_id), point)
    for (municipality, locality), point in by_place.items():
        await connection.execute(
            queries.put_locality,
            municipality,
            locality,
            {"sv": point.locality},
            point.lat,
            point.lon,
            point.service_level,
            synthetic,
        )
    return len(by_place)


async def _claim(connection: Connection, kind: str, homes: dict[str, str]) -> None:
    await connection.execute(queries.claim_names, kind, list(homes), list(homes.values()))
    taken: dict[str, list[str]] = defaultdict(list)
    for row in await connection.fetch(queries.foreign_names, kind, list(homes), list(homes.values())):
        taken[row["municipality"]].append(row["id"])
    if taken:
        raise ImportRefused(
            [
                f"{kind} {name} belongs to municipality {owner}; names are never reused"
                for owner in taken
                for name in taken[owner]
            ]
        )


def _point_row(point: PointRecord, *, synthetic: bool) -> tuple[object, ...]:
    return (
        point.municipality,
        point.id,
        point.kind,
        point.name,
        point.locality_id if point.locality else None,
        point.lat,
        point.lon,
        point.opening_hours,
        point.services,
        point.status,
        point.synthetic or synthetic,
    )


def _device_row(device: DeviceRecord, home: str, *, synthetic: bool) -> tuple[object, ...]:
    return (
        home,
        device.id,
        device.kind,
        device.point,
        device.codec,
        device.topic_identity,
        device.expected_interval_s,
        device.offline_after_s or 3 * device.expected_interval_s,
        device.lifecycle,
        device.synthetic or synthetic,
    )


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location) or "the file"
