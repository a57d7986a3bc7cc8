"""Strings from devices, made harmless: no control characters, nothing invisible or turned round."""

import re

# Any kind of line break or tab becomes one space, so that words do not grow together.
_BREAKS = re.compile("[\t\n\v\f\r\x85\u2028\u2029]+")
# Unicode categories Cc, Cs and Cf (which holds the bidi controls), variation selectors and noncharacters,
# written out so that the same text gives the same canonical event under every version of Unicode.
_HARMFUL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\ud800-\udfff\ufe00-\ufe0f\ufdd0-\ufdef\ufeff\ufff9-\uffff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
SURROGATE = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    """Return the text without control, bidi and invisible characters, trimmed."""
    if text.isascii() and text.isprintable():
        return text.strip()
    return _HARMFUL.sub("", _BREAKS.sub(" ", text)).strip()


def is_clean(text: str) -> bool:
    """Whether `clean` would leave every character of the text in its place."""
    if text.isascii():
        return text.isprintable()
    return _HARMFUL.search(text) is None


def brief(text: str, length: int = 200) -> str:
    """Return the text clean and cut to a length, for details that people read."""
    text = clean(text)
    return text if len(text) <= length else text[: length - 1] + "…"
