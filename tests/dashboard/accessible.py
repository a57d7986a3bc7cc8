"""What every page is held to, so that everybody can use it: WCAG 2.2 AA by axe, zoom, the keyboard alone.

Each check returns what is wrong in words, and nothing when all is well. `ready` prepares a window once, before its
first page; the checks then work on whatever page is open in it.
"""

from typing import cast

from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import BrowserContext, Page

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOURS = ["color-contrast", "link-in-text-block"]
"""The rules that may find something else when only the colours have changed."""
NARROW = 320
"""A window 1280 pixels wide at 400 % is so many CSS pixels wide (WCAG 1.4.10)."""


async def ready(context: BrowserContext) -> None:
    """Give every page of this window what the checks need; the content security policy stays as it is."""
    await context.add_init_script(AXE_SCRIPT)
    await context.add_init_script(_KEYBOARD)


async def axe(page: Page, *, only_colours: bool = False) -> list[str]:
    """What axe finds on the open page."""
    chosen = {"type": "rule", "values": COLOURS} if only_colours else {"type": "tag", "values": RULES}
    return cast("list[str]", await page.evaluate(_AXE, chosen))


async def sideways(page: Page) -> list[str]:
    """What makes the page wider than its window or is cut off at its edge; tables and maps may scroll alone."""
    return cast("list[str]", await page.evaluate(_SIDEWAYS))


async def by_keyboard(page: Page) -> list[str]:
    """What the Tab key does not reach, what does not show that it has the focus, and a trap if there is one."""
    wanted = cast("int", await page.evaluate("keyboard.begins()"))
    for _ in range(wanted + 5):
        await page.keyboard.press("Tab")
        if await page.evaluate("keyboard.hasLeft()"):
            break
    return cast("list[str]", await page.evaluate("keyboard.missed()"))


_AXE = """async (chosen) => {
    const found = await axe.run(document, { runOnly: chosen, resultTypes: ["violations"] });
    return found.violations.flatMap((rule) => rule.nodes.map((node) =>
        `${rule.id}: ${node.html.slice(0, 160)} ${node.failureSummary.split("\\n").slice(1, 2).join("").trim()}`));
}"""

_SIDEWAYS = """() => {
    const width = document.documentElement.clientWidth;
    const scrolls = (element) => {
        for (let at = element; at && at !== document.body; at = at.parentElement) {
            if (["auto", "scroll", "hidden", "clip"].includes(getComputedStyle(at).overflowX)) return true;
        }
        return false;
    };
    const name = (element) => element.outerHTML.slice(0, 100);
    const whole = document.documentElement.scrollWidth;
    const wide = whole > width ? [`the page is ${whole} wide`] : [];
    for (const element of document.body.querySelectorAll("*")) {
        const style = getComputedStyle(element);
        const box = element.getBoundingClientRect();
        if (!box.width || !box.height || style.clipPath !== "none" || style.visibility === "hidden") continue;
        if ((box.right > width + 1 || box.left < -1) && !scrolls(element)) wide.push(`sticks out: ${name(element)}`);
        const cuts = style.overflowX === "hidden" || style.overflowX === "clip";
        const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
        if (cuts && own && element.scrollWidth > element.clientWidth + 1) wide.push(`is cut off: ${name(element)}`);
    }
    return wide;
}"""

_KEYBOARD = """
globalThis.keyboard = (() => {
    const LINES = ["outlineStyle", "outlineWidth", "outlineColor", "boxShadow", "borderColor", "backgroundColor"];
    let wanted = [];
    let reached = new Map();
    let order = [];
    const around = (element) => [element, element.parentElement, element.parentElement?.parentElement].filter(Boolean);
    const looks = (element) => around(element).flatMap((one) => ["", "::before", "::after"].map((part) => {
        const style = getComputedStyle(one, part || null);
        return LINES.map((line) => style[line]).join(" ");
    })).join("|");
    const name = (element) => element.outerHTML.replace(/\\s+/g, " ").slice(0, 120);
    function begins() {
        const all = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")];
        wanted = all.filter((one) => one.tabIndex >= 0 && !one.disabled && one.type !== "hidden"
            && one.checkVisibility({ visibilityProperty: true }) && !one.closest("[inert]")
            && (one.type !== "radio" || one.checked));
        reached = new Map();
        order = [];
        const before = new Map(wanted.map((one) => [one, looks(one)]));
        document.activeElement?.blur();
        document.addEventListener("focusin", ({ target }) => {
            order.push(target);
            if (!reached.has(target)) reached.set(target, looks(target) !== before.get(target));
        });
        return wanted.length;
    }
    function hasLeft() {
        return order.length > 1 && (document.activeElement === document.body || order.at(-1) === order[0]);
    }
    function missed() {
        const not = wanted.filter((one) => one.isConnected && !reached.has(one));
        const dull = [...reached.keys()].filter((one) => one.isConnected && !reached.get(one));
        return [
            ...not.map((one) => `not reached: ${name(one)}`),
            ...dull.map((one) => `focus does not show: ${name(one)}`),
            ...(hasLeft() ? [] : [`a trap at ${name(document.activeElement)}`]),
        ];
    }
    return { begins, hasLeft, missed };
})();
"""
