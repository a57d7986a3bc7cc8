"""What handlers find on the application and on the request, typed."""

from aiohttp import web

from dashboard.live.hub import Hub
from dashboard.options import WebOptions
from dashboard.web.assets import Assets
from dashboard.web.language import Language
from dashboard.web.readiness import ReadinessCheck
from dashboard.web.sessions import Session, Sessions
from dashboard.web.templates import Templates
from services.log.options import RetentionOptions
from services.runtime.clock import Clock
from services.storage.database import Database

DATABASE = web.AppKey("database", Database)
OPTIONS = web.AppKey("options", WebOptions)
CLOCK: web.AppKey[Clock] = web.AppKey("clock")
READINESS: web.AppKey[ReadinessCheck] = web.AppKey("readiness")
ASSETS = web.AppKey("assets", Assets)
TEMPLATES = web.AppKey("templates", Templates)
SESSIONS = web.AppKey("sessions", Sessions)
HUB = web.AppKey("hub", Hub)
RETENTION = web.AppKey("retention", RetentionOptions)
IS_DEMO = web.AppKey("is_demo", bool)

LANGUAGE = web.RequestKey("language", Language)
SESSION = web.RequestKey("session", Session)
