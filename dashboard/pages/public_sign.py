"""A sign to print and put up at a point: its name, the way to its page, and what is measured there."""

from dataclasses import dataclass

import segno
from aiohttp import web

from dashboard.points import POINTS, PointView
from dashboard.web import keys
from dashboard.web.language import language
from dashboard.web.pages import render, site_address
from dashboard.web.routes import PUBLIC, Routes

routes = Routes()

# A quarter of the code may be dirty or torn off; around it is the empty margin that readers need.
_LOSS = "q"
_MARGIN = 4
_MAX_AGE_S = 60


@dataclass(frozen=True, slots=True)
class SignWords:
    """What the sign says in one language, whatever language its page is in."""

    lang: str
    name: str
    scan: str
    question: str
    measured: tuple[str, ...]
    never: str
    who: str


@routes.get("/p/{point}/sign", access=PUBLIC)
async def sign(request: web.Request) -> web.StreamResponse:
    """A sheet of A4, in Swedish with English below."""
    snapshot = await request.config_dict[POINTS].current()
    view = snapshot.by_id.get(request.match_info["point"])
    if view is None:
        raise web.HTTPNotFound
    address = f"{site_address(request)}/p/{view.id}"
    try:
        code = qr_code(address)
    except segno.DataOverflowError:
        # The name that the site was asked for by is longer than any name can be.
        raise web.HTTPBadRequest from None
    return render(
        request,
        "public/sign.html",
        # Without a set address the page has the one that it was asked for by, which others must not get.
        max_age=_MAX_AGE_S if request.config_dict[keys.OPTIONS].public_url else None,
        view=view,
        address=address,
        code=code,
        sheets=[sign_words(view, "sv"), sign_words(view, "en")],
        synthetic=view.point.synthetic,
    )


def qr_code(address: str) -> str:
    """The address as an SVG that is black on white, whatever the colours around it.

    Of the address nothing but the modules of the code stands in it, so a template may take it as it is. Raises
    `segno.DataOverflowError` when no code holds so much.
    """
    code = segno.make(address, error=_LOSS, micro=False, boost_error=False)
    return code.svg_inline(border=_MARGIN, light="#fff", omitsize=True)


def sign_words(view: PointView, lang: str) -> SignWords:
    """The sign's text, by the kinds of devices that stand there."""
    _ = language(lang).gettext
    by_kind = {
        "hotspot": _("Hur många som är anslutna till wifi, och hur mycket data som används."),
        "kiosk": _("Hur ofta skärmen används, vilka av dess sidor och på vilket språk."),
        "tracker": _("Var fordonet är när det kör sin tur."),
    }
    found = [by_kind[kind] for kind, _number in view.kinds if kind in by_kind]
    if view.kinds:
        found.append(_("Om utrustningen fungerar."))
    return SignWords(
        lang,
        view.name(lang),
        _("Skanna koden: öppettider, vad som finns och hur det fungerar."),
        _("Vad mäts här?"),
        tuple(found or [_("Här mäts ingenting nu.")]),
        _(
            "Vi räknar besök men följer ingen. Vi samlar inte in vem du är, vilken telefon du har "
            "eller vad du gör på nätet."
        ),
        _("%(name)s kommun ansvarar och svarar på frågor.") % {"name": view.municipality.name},
    )
