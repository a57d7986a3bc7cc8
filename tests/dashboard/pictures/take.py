"""Takes a picture of every page: `make pictures`, into docs/pictures, and writes docs/pages.md, which shows them.

`--to` another folder, `--only` names with this in them, `--png` for programs that cannot show WebP, `--whole` for
the whole length of each page instead of the first two screens.
"""

import argparse
import asyncio
import base64
import logging
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import structlog
from playwright.async_api import Browser, Page, async_playwright

from services.storage.embedded import EmbeddedPostgres
from services.storage.migrate import migrate
from tests.dashboard.pictures import album
from tests.dashboard.pictures.shown import KIOSK_SCREEN, PHONE, STATES, Shot, Size, shots, state_file
from tests.dashboard.pictures.stage import Stage, stage
from tests.dashboard.pictures.visit import in_state, look, settle, window
from tests.support import databases

_LOGIN = "bypunkt_app"
_QUALITY = 55


@dataclass(frozen=True, slots=True)
class Camera:
    """Where pictures go and what they are."""

    folder: Path
    only: str
    png: bool
    screens: float

    def wants(self, file: str) -> bool:
        """Whether this picture was asked for."""
        return self.only in file

    async def take(self, page: Page, file: str, size: Size) -> None:
        """Write a picture of the page, from its top."""
        height = await page.evaluate("document.documentElement.scrollHeight")
        # Telephones have finer screens, and a screen on a wall is looked at from afar.
        scale = {PHONE: 1.4, KIOSK_SCREEN: 0.7}.get(size, 1)
        screens = self.screens if size != KIOSK_SCREEN else self.screens / 2
        clip = {"x": 0, "y": 0, "width": size.width, "scale": scale}
        clip["height"] = max(size.height, min(height, size.height * screens))
        browser = await page.context.new_cdp_session(page)
        kind = {"format": "png"} if self.png else {"format": "webp", "quality": _QUALITY}
        answer = await browser.send(
            "Page.captureScreenshot", {**kind, "clip": clip, "captureBeyondViewport": True}
        )
        await browser.detach()
        path = (self.folder / file).with_suffix(".png" if self.png else ".webp")
        path.write_bytes(base64.b64decode(answer["data"]))


def main(arguments: Sequence[str]) -> int:
    """Take the pictures that were asked for; returns 0."""
    parser = argparse.ArgumentParser(prog="make pictures", description="A picture of every page.")
    parser.add_argument("--to", type=Path, default=album.PICTURES, help="the folder for them")
    parser.add_argument("--only", default="", help="only pictures with this in their name")
    parser.add_argument("--png", action="store_true", help="PNG instead of WebP")
    parser.add_argument("--whole", action="store_true", help="each page in its whole length")
    asked = parser.parse_args(arguments)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    asked.to.mkdir(parents=True, exist_ok=True)
    camera = Camera(asked.to, asked.only, asked.png, screens=50 if asked.whole else 2)
    asyncio.run(_take_all(camera))
    album.PAGE.write_text(album.page(), encoding="utf-8")
    return 0


async def _take_all(camera: Camera) -> None:
    async with EmbeddedPostgres(fast=True) as server, async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        async with _staged(server, empty=False) as ordinary, _staged(server, empty=True) as empty:
            wanted = [shot for shot in shots() if camera.wants(shot.file)]
            for group in _of_one_window(wanted):
                await _take_pages(camera, ordinary, browser, group)
            for state in STATES:
                if camera.wants(state_file(state)):
                    site = empty if state.mood == "empty" else ordinary
                    async with in_state(site, browser, state) as page:
                        await camera.take(page, state_file(state), state.size)
        await browser.close()


@asynccontextmanager
async def _staged(server: EmbeddedPostgres, *, empty: bool) -> AsyncIterator[Stage]:
    async with databases.fresh(server.dsn()) as name:
        await migrate(server.dsn(name), app_login=_LOGIN)
        async with stage(server.dsn(name, user=_LOGIN), server.dsn(name), empty=empty) as running:
            yield running


def _of_one_window(wanted: Sequence[Shot]) -> Iterator[list[Shot]]:
    for _, group in groupby(wanted, key=lambda shot: (shot.page, shot.size)):
        yield list(group)


async def _take_pages(camera: Camera, site: Stage, browser: Browser, group: list[Shot]) -> None:
    """Pictures of one page on one screen; only the language needs the page anew."""
    first = group[0]
    async with window(site, browser, first.page.role, size=first.size) as context:
        page = await context.new_page()
        seen = ""
        for shot in group:
            if shot.lang != seen:
                assert (
                    await look(page, shot.page.path, lang=shot.lang, scheme=shot.scheme) == shot.page.status
                )
                seen = shot.lang
            await page.emulate_media(color_scheme=shot.scheme)
            await settle(page)
            await camera.take(page, shot.file, shot.size)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
