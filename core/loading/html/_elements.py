"""The kinds of elements of web pages: blocks, words of their own, what no browser shows, and their attributes."""

from __future__ import annotations

import re

from core.loading.html._style import Attributes


def _tags(names: str) -> frozenset[str]:
    return frozenset(names.split())


INLINE_PREFIX = "rs-"  # of formatting elements: see load.py
BLOCKS = _tags(
    "address article aside body center details dir div dl dt fieldset figcaption figure footer form frameset header "
    "hgroup hr html legend main menu nav noframes ol optgroup option p search section summary ul dialog listing "
    "caption tr tbody thead tfoot table td th li dd blockquote pre xmp plaintext h1 h2 h3 h4 h5 h6"
)
TIGHT = _tags("option optgroup dt dd li tr legend")  # no blank line before them
SPACED = _tags("button input select textarea label meter progress output img area mtd text object")
# Never shown by a browser, or not text: nobody misses them.
UNSEEN = _tags(
    "head title script style template noscript base link meta col colgroup datalist param source track noembed "
    "audio video canvas rp rt rtc annotation annotation-xml defs symbol metadata iframe"
)
IN_RUBY = frozenset(("rp", "rt", "rtc"))
PREFORMATTED = frozenset(("pre", "listing", "xmp", "plaintext"))
RAW = frozenset(("textarea", "xmp", "plaintext"))  # the parser leaves tags in them as text
VALUES = frozenset(("", "text", "email", "url", "tel", "number", "date", "time", "month", "week", "datetime-local",
                     "search", "submit", "reset", "button"))  # fmt: skip
ICON = re.compile(
    r"(?:^|[\s_-])(?:icons?|fa[brs]?|glyphicon|material-(?:icons|symbols)[\w-]*|bi|mdi|octicon)(?:$|[\s_-])", re.I
)
PERMALINK = re.compile(r"(?:^|\s)(?:headerlink|anchorjs-link|header-anchor|heading-link)(?:$|\s)")
NUMBER = re.compile(r"\s*(-?\d{1,9})")
FILE_NAME = re.compile(r"\S+\.(?:png|jpe?g|gif|bmp|svg|emf|wmf|tiff?|webp|avif)$", re.IGNORECASE)


def is_decoration(attributes: Attributes) -> bool:
    """Return whether a picture shows nothing: marked as decoration, or a dot that counts visitors."""
    if attributes.get("alt") == "" and "alt" in attributes:
        return True
    if attributes.get("role", "").lower() in ("presentation", "none") or attributes.get("aria-hidden") == "true":
        return True
    return any(whole_number(attributes.get(side), 99) <= 2 for side in ("width", "height"))


def whole_number(value: str | None, default: int) -> int:
    """Return the whole number that an attribute begins with, ``default`` where it has none."""
    match = NUMBER.match(value or "")
    return int(match[1]) if match else default
