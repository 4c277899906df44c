"""What a Word document's field shows that has no result: the words stand in its code (ECMA-376 Part 1, 17.16.5)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.loading.office._symbols import symbol

_MOST_DEPTH = 50  # parts of an equation inside one another
_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*+)"?|(\S+)', re.DOTALL)
_SWITCH = re.compile(r"\\\*\s*(?:\"[^\"]*\"|\S+)\s*")  # of the field as a whole: \* jc2, \* "Font:MS Mincho"
_PART = re.compile(r"\\([A-Za-z]+)[ \d.+-]*")  # a function of an equation or an option, with its measure
_BRACKET_SIGNS = re.compile(r"\\(?:lc|rc|bc|fc|vc)\s*\\(.)")  # options that name the signs of a bracket


@dataclass(frozen=True, slots=True)
class FieldText:
    """What a field shows, and the readings above it (ruby)."""

    text: str = ""
    readings: tuple[str, ...] = ()


def shown_by_code(code: str) -> FieldText:
    """Return what a field without a result shows by its ``code``; nothing for kinds that show what others hold.

    Word itself writes such fields: formulas and the readings of Japanese words (EQ), places to click on in a letter's
    template (MACROBUTTON), symbols.
    """
    name, _, rest = code.strip().partition(" ")
    match name.upper():
        case "EQ":
            equation = _Equation(_SWITCH.sub("", rest))
            return FieldText(" ".join(equation.text().split()), tuple(equation.readings))
        case "MACROBUTTON" | "GOTOBUTTON":
            return FieldText(rest.strip().partition(" ")[2].strip())
        case "QUOTE":
            return FieldText(" ".join(_arguments(rest)))
        case "SYMBOL":
            return FieldText(_symbol(rest))
    return FieldText()


def _arguments(text: str) -> list[str]:
    """Return the words and the texts in quotes in front of a field's switches."""
    found = []
    for match in _TOKEN.finditer(text):
        if match[2] is not None and match[2].startswith("\\"):
            break
        found.append(match[2] or re.sub(r"\\(.)", r"\1", match[1] or ""))
    return found


def _symbol(text: str) -> str:
    code, font = (_arguments(text) or [""])[0], re.search(r'\\f\s*(?:"([^"]*)"|(\S+))', text)
    name = (font[1] or font[2]) if font else ""
    try:
        number = int(code, 0)
    except ValueError:
        return code[:1]
    if not font and 0x80 <= number < 0x100 and "\\u" not in text:
        return bytes([number]).decode("cp1252", "ignore")
    return symbol(name, number) if 0 <= number < 0x110000 else ""


class _Equation:
    """Reads the code of a formula: ``\\f(a,b)`` as ``a/b``, ``\\o(\\s\\up 9(above),word)`` as a word with a reading."""

    def __init__(self, code: str) -> None:
        self._code = _BRACKET_SIGNS.sub("", code)
        self._separator = ";" if ";" in code else ","  # of lists, as the system of the writer has it
        self._at = 0
        self._raised: list[str] = []  # above or below the other text of the overstrike that is being read
        self.readings: list[str] = []

    def text(self) -> str:
        """Return the whole formula."""
        parts: list[str] = []
        while self._at < len(self._code):
            parts += self._items(())
            self._at += 1  # behind a bracket too many
        return " ".join(filter(None, parts))

    def _items(self, functions: tuple[str, ...]) -> list[str]:
        """Return the arguments up to the closing bracket of the innermost of ``functions``."""
        items = [""]
        while self._at < len(self._code) and (sign := self._code[self._at]) != ")":
            if _PART.match(self._code, self._at):
                items[-1] += self._function(functions)
                continue
            self._at += 1
            if sign == "(" and len(functions) < _MOST_DEPTH:
                items[-1] += f"({', '.join(self._items((*functions, '')))})"
                self._at += 1
            elif sign == self._separator and functions:
                items.append("")
            elif sign == "\\":
                items[-1] += self._code[self._at : self._at + 1]
                self._at += 1
            else:
                items[-1] += sign
        return [item.strip() for item in items]

    def _function(self, functions: tuple[str, ...]) -> str:
        """Return a function with its options and arguments."""
        names: list[str] = []
        while part := _PART.match(self._code, self._at):
            names.append(part[1].lower())
            self._at = part.end()
        if self._code[self._at : self._at + 1] != "(" or len(functions) >= _MOST_DEPTH:
            return ""
        self._at += 1
        outer, self._raised = self._raised, []
        items = self._items((*functions, names[0]))
        raised, self._raised = self._raised, outer
        self._at += 1
        text = ", ".join(filter(None, items))
        match names[0]:
            case "o":
                self.readings += raised if text else []
                return "".join(items) if text else " ".join(raised)
            case "s" if functions[-1:] == ("o",):
                self._raised.append(text)
                return ""
            case "s" if "up" in names or "do" in names:
                return f"{'^' if 'up' in names else '_'}{text}"
            case "f":
                return "/".join(items)
            case "r":
                return f"√({text})" if len(items) < 2 or not items[0] else f"root {items[0]} of ({items[-1]})"
            case "b":
                return f"({text})"
        return text
