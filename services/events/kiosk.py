"""What happens at a kiosk: sessions, and pages by their id in the site map; never free text or an address."""

from typing import Literal, Self

from pydantic import model_validator

from services.events.fields import (
    Counter,
    Fact,
    Label,
    Language,
    Moment,
    Number,
    PageId,
    Percent,
    Seconds,
)


class KioskSession(Fact):
    """Somebody used the kiosk, from first touch to the return to the start page."""

    type: Literal["kiosk.session"] = "kiosk.session"
    session: Label
    started_at: Moment
    ended_at: Moment
    views: Number
    lang: Language
    end: Literal["done", "idle", "reset"]

    @model_validator(mode="after")
    def _ends_after_it_started(self) -> Self:
        if self.ended_at < self.started_at:
            raise ValueError("ended_at is before started_at")
        return self


class KioskView(Fact):
    """A page was shown."""

    type: Literal["kiosk.view"] = "kiosk.view"
    session: Label | None = None
    page: PageId
    lang: Language
    dwell_s: Seconds | None = None


class KioskHealth(Fact):
    """How the kiosk fares. It sends what it can measure, at least one field."""

    type: Literal["kiosk.health"] = "kiosk.health"
    screen_on: bool | None = None
    locked: bool | None = None
    foreground: bool | None = None
    browser_ok: bool | None = None
    content_version: Label | None = None
    storage_free_bytes: Counter | None = None
    batt_pct: Percent | None = None
    power: Literal["mains", "battery"] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_dump(exclude_none=True, exclude={"type"}):
            raise ValueError("says nothing")
        return self


KioskEvent = KioskSession | KioskView | KioskHealth
