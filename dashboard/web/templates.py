"""Jinja2 with this program's words: one environment a language, everything escaped, nothing undefined."""

from collections.abc import Callable
from datetime import datetime
from functools import cache, partial

from babel.numbers import format_decimal
from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from dashboard.web import times
from dashboard.web.assets import Assets, load_assets
from dashboard.web.language import CODES, Language, language

EXTENSIONS = ["jinja2.ext.i18n"]


class Templates:
    """The templates of `dashboard/templates` in each language."""

    def __init__(self, assets: Assets) -> None:
        self._environments = {code: environment(language(code), assets.url) for code in CODES}

    def render(self, template: str, lang: str, context: dict[str, object]) -> str:
        """Fill in a template."""
        return self._environments[lang].get_template(template).render(context)


@cache
def load_templates() -> Templates:
    """The templates of the program, compiled once a process."""
    return Templates(load_assets())


def environment(chosen: Language, asset: Callable[[str], str]) -> Environment:
    """The template language: `_`, `ngettext`, `asset`, and filters for times and numbers.

    Times: `clock`, `day`, `stamp`, `precise`, `ago`, `lasting`, `machine`; numbers: `number`, and `tenths` with
    one decimal, always, where figures are compared. They count from the page's `now`.
    """
    made = Environment(
        loader=PackageLoader("dashboard"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=EXTENSIONS,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.install_gettext_callables(chosen.gettext, chosen.ngettext, newstyle=True)  # type: ignore[attr-defined]
    made.globals.update(asset=asset, lang=chosen.code)
    made.filters.update(
        clock=times.clock,
        day=partial(times.day, lang=chosen.code),
        stamp=_since_now(times.stamp, chosen.code),
        precise=_since_now(times.precise, chosen.code),
        ago=_since_now(times.ago, chosen.code),
        lasting=times.lasting,
        machine=times.machine,
        number=partial(format_decimal, locale=chosen.code),
        tenths=partial(format_decimal, format="#,##0.0", locale=chosen.code),
    )
    return made


def _since_now(words: Callable[[datetime, datetime, str], str], lang: str) -> Callable[..., str]:
    @pass_context
    def filtered(context: Context, moment: datetime) -> str:
        return words(moment, context["now"], lang)

    return filtered
