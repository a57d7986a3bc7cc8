"""Style sheets, scripts and pictures: read once, packed once, cached for ever by those who fetch them.

All assets share one version in their address, so that a script may import its neighbour by a relative name.
"""

import gzip
import hashlib
import mimetypes
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from aiohttp import web
from xstatic.pkg import leaflet

_PACKED = ("text/", "application/json", "application/geo+json", "image/svg+xml")
_TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".geojson": "application/geo+json",
    ".svg": "image/svg+xml",
}
_SHEETS = "app/"
_FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it goes out."""

    body: bytes
    packed: bytes | None
    media_type: str


class Assets:
    """Everything below `dashboard/assets`, and Leaflet's own files as `leaflet/…`."""

    def __init__(self, contents: Mapping[str, bytes]) -> None:
        self._assets = {name: _asset(name, body) for name, body in contents.items()}
        digest = hashlib.sha256()
        for name, body in sorted(contents.items()):
            digest.update(f"{name}\0{len(body)}\0".encode() + body)
        self.version = digest.hexdigest()[:12]

    def url(self, name: str) -> str:
        """The address of an asset; an unknown name is an error in a template."""
        if name not in self._assets:
            message = f"there is no asset {name!r}"
            raise KeyError(message)
        return f"/assets/{self.version}/{name}"

    async def answer(self, request: web.Request) -> web.Response:
        """Send the asset that the address names; one of an older version is not kept."""
        found = self._assets.get(request.match_info["name"])
        if found is None:
            raise web.HTTPNotFound
        current = request.match_info["version"] == self.version
        headers = {
            "Content-Type": found.media_type,
            "Cache-Control": _FOR_EVER if current else "no-cache",
            "Vary": "Accept-Encoding",
        }
        if found.packed is not None and "gzip" in request.headers.get("Accept-Encoding", ""):
            return web.Response(body=found.packed, headers={**headers, "Content-Encoding": "gzip"})
        return web.Response(body=found.body, headers=headers)


@cache
def load_assets() -> Assets:
    """Read and pack all assets of the program, once a process."""
    contents = dict(_walk(files("dashboard").joinpath("assets"), ""))
    contents.update(_walk(Path(leaflet.BASE_DIR), "leaflet/"))
    return Assets(_joined(contents))


def _joined(contents: Mapping[str, bytes]) -> dict[str, bytes]:
    """The style sheets of `app/`, in the order of their names, as one `app.css`: one fetch instead of six."""
    parts = sorted(name for name in contents if name.startswith(_SHEETS))
    others = {name: body for name, body in contents.items() if name not in parts}
    return {**others, "app.css": b"\n".join(contents[name] for name in parts)}


def _asset(name: str, body: bytes) -> Asset:
    suffix = Path(name).suffix
    media_type = _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    packed = gzip.compress(body, mtime=0) if media_type.startswith(_PACKED) else None
    text = media_type.startswith("text/")
    return Asset(body, packed, f"{media_type}; charset=utf-8" if text else media_type)


def _walk(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _walk(entry, f"{prefix}{entry.name}/")
        elif not entry.name.endswith((".py", ".pyc", ".map")) and "-src." not in entry.name:
            yield f"{prefix}{entry.name}", entry.read_bytes()
