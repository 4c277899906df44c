"""What a web page hides: attributes, inline styles, and the plain rules of its own style sheets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

Attributes = Mapping[str, str]
_MAX_CSS = 1_000_000  # characters of style sheets that are read
_MAX_RULES_OF_KEY = 50  # rules for one class, id or tag that are compared
_STYLE = re.compile(r"<style\b([^>]*)>", re.IGNORECASE)
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_BRACE = re.compile(r"([{}])")
_COMPOUND = re.compile(r"([a-z][\w-]*)?((?:[.#][\w-]+)*)", re.IGNORECASE)
_NAME = re.compile(r"[.#][\w-]+")
_DECLARATION = re.compile(
    r"(?:^|;)\s*(display|visibility|white-space)\s*:\s*([\w-]+)\s*(!\s*important)?", re.IGNORECASE
)
_SHOWN_ON_SCREEN = re.compile(r"@(?:media\s+(?:only\s+)?(?:screen|all)\s*$|supports|layer)", re.IGNORECASE)
_PRINT_ONLY = re.compile(r"media\s*=\s*[\"']?\s*print\b", re.IGNORECASE)
_BLOCK_DISPLAY = ("block", "flex", "grid", "table", "list-item", "table-row", "table-cell", "flow-root")


@dataclass(frozen=True, slots=True)
class Style:
    """What styles say of an element: hidden or not, a block of its own, line ends kept; None where they are silent."""

    hidden: bool | None = None
    block: bool = False
    keeps_lines: bool = False


_NO_STYLE = Style()


@dataclass(frozen=True, slots=True)
class _Rule:
    tag: str
    names: frozenset[str]  # ".class" and "#id"
    weight: tuple[int, int, int]
    display: str
    visibility: str


@dataclass(slots=True)
class StyleSheet:
    """The rules of a page's style sheets that show, hide or set apart elements by tag, class or id."""

    rules: dict[str, list[_Rule]] = field(default_factory=dict)
    shown: set[str] = field(default_factory=set)  # names that a condition shows (hover, a script's class, a width)

    @classmethod
    def of(cls, html: str) -> StyleSheet:
        """Return the rules in the <style> elements of ``html``."""
        sheet, total, order = cls(), 0, 0
        for match in _STYLE.finditer(html):
            if _PRINT_ONLY.search(match[1]):
                continue
            end = html.find("</", match.end())
            css = html[match.end() : end if end >= 0 else len(html)][: _MAX_CSS - total]
            total += len(css)
            for selectors, declarations, conditional in _css_rules(css):
                order += 1
                sheet._add(selectors, declarations, conditional, order)
            if total >= _MAX_CSS:
                break
        return sheet

    def _add(self, selectors: str, declarations: str, conditional: bool, order: int) -> None:
        found = {match[1].lower(): match for match in _DECLARATION.finditer(declarations)}
        display, visibility = found.get("display"), found.get("visibility")
        if not display and not visibility:
            return
        values = tuple(match[2].lower() if match else "" for match in (display, visibility))
        hides = values[0] == "none" or values[1] in ("hidden", "collapse")
        important = int(any(match and match[3] for match in (display, visibility)))
        for selector in selectors.split(","):
            selector = selector.strip()
            compound = _COMPOUND.fullmatch(selector)
            names = frozenset(_NAME.findall(selector))
            if not compound or not selector or conditional:
                if not hides:  # the last part of "nav:hover .menu" can come into view
                    last = re.split(r"[\s>+~]", selector)[-1]
                    self.shown.update(_NAME.findall(last))
                continue
            tag = (compound[1] or "").lower()
            if tag in ("html", "body"):  # hidden until a script has run
                continue
            key = next(iter(sorted(names)), tag)
            specificity = 100 * sum(name[0] == "#" for name in names) + 10 * len(names) + bool(tag)
            rules = self.rules.setdefault(key, [])
            if len(rules) < _MAX_RULES_OF_KEY:
                rules.append(_Rule(tag, names, (important, specificity, order), values[0], values[1]))

    def style_of(self, tag: str, attributes: Attributes) -> Style:
        """Return what the style sheets and the element's own style say of an element."""
        if "style" not in attributes and not self.rules:
            return _NO_STYLE
        display = visibility = white_space = ""
        names: set[str] = set()
        if self.rules:
            names = {f".{name}" for name in attributes.get("class", "").split()}
            if "id" in attributes:
                names.add(f"#{attributes['id']}")
            matching = [
                rule
                for key in (tag, *names)
                for rule in self.rules.get(key, ())
                if rule.tag in ("", tag) and rule.names <= names
            ]
            for rule in sorted(matching, key=lambda rule: rule.weight):
                display, visibility = rule.display or display, rule.visibility or visibility
        if (display == "none" or visibility) and names & self.shown:
            display = visibility = ""
        for match in _DECLARATION.finditer(attributes.get("style", "")):
            what, value = match[1].lower(), match[2].lower()
            if what == "display":
                display = value
            elif what == "visibility":
                visibility = value
            else:
                white_space = value
        hidden = display == "none" or visibility in ("hidden", "collapse")
        known = hidden or bool(display or visibility)
        return Style(hidden if known else None, display in _BLOCK_DISPLAY, white_space.startswith("pre"))


def _css_rules(css: str) -> Iterator[tuple[str, str, bool]]:
    """Yield selectors and declarations of each rule, and whether it holds only under a condition."""
    stack: list[tuple[str, bool]] = []
    parts = iter(_BRACE.split(_COMMENT.sub(" ", css)))
    for text, brace in zip(parts, parts, strict=False):  # without what follows the last brace
        text = text.strip()
        if brace == "{":
            prelude = text.rpartition(";")[2].strip()
            conditional = bool(stack and stack[-1][1])
            if prelude.startswith("@"):
                conditional = conditional or not _SHOWN_ON_SCREEN.match(prelude)
            stack.append((prelude, conditional))
        elif stack:
            prelude, conditional = stack.pop()
            if prelude and not prelude.startswith("@"):
                yield prelude, text, conditional
