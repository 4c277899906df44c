"""Numbers as a workbook shows them: the number formats of Excel (ECMA-376 Part 1, 18.8.30 and 18.8.31).

Dates are written as ISO 8601 dates, whatever their order in the format; everything else as the format says.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, time, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from fractions import Fraction

BUILT_IN = {
    0: "General", 1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 5: '"$"#,##0;\\-"$"#,##0',
    6: '"$"#,##0;[Red]\\-"$"#,##0', 7: '"$"#,##0.00;\\-"$"#,##0.00', 8: '"$"#,##0.00;[Red]\\-"$"#,##0.00',
    9: "0%", 10: "0.00%", 11: "0.00E+00", 12: "# ?/?", 13: "# ??/??", 14: "yyyy-mm-dd", 15: "d-mmm-yy", 16: "d-mmm",
    17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM", 20: "h:mm", 21: "h:mm:ss", 22: "yyyy-mm-dd h:mm",
    **dict.fromkeys((27, 28, 29, 30, 31, 36, 50, 51, 52, 53, 54, 57, 58), "yyyy-mm-dd"),
    **dict.fromkeys((32, 34, 55), "h:mm"), **dict.fromkeys((33, 35, 56), "h:mm:ss"),
    37: "#,##0;\\-#,##0", 38: "#,##0;[Red]\\-#,##0", 39: "#,##0.00;\\-#,##0.00", 40: "#,##0.00;[Red]\\-#,##0.00",
    41: "#,##0", 42: '"$"#,##0', 43: "#,##0.00", 44: '"$"#,##0.00', 45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0",
    48: "##0.0E+0", 49: "@",
}  # fmt: skip
_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"?|\\(?P<escaped>.)|_(?P<space>.)|\*(?P<fill>.)|\[(?P<bracket>[^\]]*)\]'
    r"|(?P<general>General)|(?P<ampm>AM/PM|A/P|上午/下午)|(?P<exponent>E[+-])"
    r"|(?P<date>y+|m+|d+|h+|s+(?:\.0+)?|e+|b+|g+)|(?P<digit>[0#?.,%/]|(?<=/)\d+)|(?P<at>@)|(?P<literal>.)",
    re.IGNORECASE | re.DOTALL,
)
_CONDITION = re.compile(r"(<=|>=|<>|<|>|=)\s*(-?[\d.]+)")
_ELAPSED = re.compile(r"h+|m+|s+", re.IGNORECASE)
_PLAIN = re.compile(r"(#,##)?0(?:\.(0+))?")
_INTEGER = re.compile(r"-?\d+")
_PRECISE = Context(prec=60)
_MOST_KNOWN = 10_000
_EXACT = 10**15  # from here on numbers are whole, and ids
_LARGEST_SERIAL = 2_958_466  # 10000-01-01
_MOST_EXPONENT = 40  # a number with more zeros is written in scientific notation
_MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December"]  # fmt: skip
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_COMPARE: dict[str, Callable[[Decimal, Decimal], bool]] = {
    "<": Decimal.__lt__, ">": Decimal.__gt__, "<=": Decimal.__le__, ">=": Decimal.__ge__, "=": Decimal.__eq__,
    "<>": Decimal.__ne__,
}  # fmt: skip
_Token = tuple[str, str]


class NumberFormat:
    """A number format, compiled once for all the cells that have it."""

    def __init__(self, code: str, date_1904: bool = False) -> None:
        """Compile ``code``; serial numbers count from 1904 if ``date_1904``, else from 1900."""
        self._epoch = datetime(1904, 1, 1) if date_1904 else datetime(1899, 12, 30)
        self._is_1904 = date_1904
        self._sections = [_Section(part) for part in _split_sections(code)]
        self._known: dict[str, str] = {}  # numbers and their texts: dates and prices recur
        self._is_general = len(self._sections) == 1 and self._sections[0].is_plain_general

    def text(self, raw: str) -> str:
        """Return a number, as the file has it, as it is shown."""
        known = self._known.get(raw)
        if known is None:
            known = self._shown(raw.strip())
            if len(self._known) < _MOST_KNOWN:
                self._known[raw] = known
        return known

    def _shown(self, raw: str) -> str:
        if self._is_general and _INTEGER.fullmatch(raw):
            return raw
        number = parse_number(raw)
        if number is None:
            return raw
        if self._is_general:
            return general(number)
        section, number = self._choose(number)
        if section.is_date:
            return section.date_text(number, self._datetime(number)) or general(number)
        return section.number_text(number)

    def string(self, text: str) -> str:
        """Return a text cell's text as it is shown: with the words that the format puts around it."""
        if self._is_general:
            return text
        last = self._sections[-1]
        if len(self._sections) in (1, 4) and last.has_at:
            return "".join(text if name == "at" else value for name, value in last.tokens if name in ("at", "literal"))
        return text

    def _choose(self, number: Decimal) -> tuple[_Section, Decimal]:
        """Return the section for a number, and the number without its sign if the section stands for the sign."""
        numeric = self._sections[:3]
        if any(section.condition for section in numeric):
            for section in numeric:
                if section.condition is None or section.condition(number):
                    return section, abs(number) if section.is_for_negative else number
            return numeric[-1], number
        if len(numeric) > 1 and number < 0:
            return numeric[1], -number
        if len(numeric) > 2 and number == 0:
            return numeric[2], number
        return numeric[0], number

    def _datetime(self, number: Decimal) -> datetime | None:
        if not 0 <= number < _LARGEST_SERIAL:
            return None
        if not self._is_1904 and number < 60:  # Excel counts a 29 February 1900
            number += 1
        return self._epoch + timedelta(milliseconds=round(float(number) * 86_400_000))


def parse_number(raw: str) -> Decimal | None:
    """Return a number with the 15 digits that Excel shows, whole and large ones in full; None if ``raw`` is none."""
    try:
        number = Decimal(raw)
        if abs(number) < _EXACT and not _INTEGER.fullmatch(raw):
            number = Decimal(f"{float(number):.15g}")
    except (ValueError, InvalidOperation):
        return None
    return number if number.is_finite() else None


def general(number: Decimal) -> str:
    """Return a number in the format General, but never rounded, and with all its digits."""
    if number == 0:
        return "0"
    return format(number.normalize(_PRECISE), "f" if abs(number.adjusted()) <= _MOST_EXPONENT else "E")


def _split_sections(code: str) -> list[str]:
    sections, current = [], ""
    for match in _TOKEN.finditer(code):
        if match[0] == ";":
            sections.append(current)
            current = ""
        else:
            current += match[0]
    return [*sections, current][:4] if code.strip() else ["General"]


class _Section:
    """One of the up to four parts of a format: for positive and negative numbers, zero, and text."""

    def __init__(self, code: str) -> None:
        self.condition: Callable[[Decimal], bool] | None = None
        self.is_for_negative = False  # the section writes the sign itself
        self.tokens: list[_Token] = []
        for match in _TOKEN.finditer(code):
            self._take(match.lastgroup or "literal", match[match.lastgroup or 0], match[0])
        names = {name for name, _ in self.tokens}
        self.has_at = "at" in names
        self.is_date = bool(names & {"date", "elapsed"}) and not any(
            name == "digit" and value in "0#?" for name, value in self.tokens
        )
        self.is_plain_general = [name for name, _ in self.tokens] == ["general"]
        self._digits = "".join(value for name, value in self.tokens if name in ("digit", "exponent"))
        plain = _PLAIN.fullmatch(self._digits) if {name for name, _ in self.tokens} == {"digit"} else None
        # The unit to round to and Python's format, for formats without anything but digits.
        self._plain = (Decimal(1).scaleb(-len(plain[2] or "")), ",f" if plain[1] else "f") if plain else None
        if self.is_date:
            self._tell_minutes_from_months()

    def _take(self, name: str, value: str, whole: str) -> None:
        if name == "bracket":
            condition = _CONDITION.fullmatch(value)
            if condition:
                limit, compare = parse_number(condition[2]) or Decimal(0), _COMPARE[condition[1]]
                self.condition = lambda number: compare(number, limit)
                self.is_for_negative = condition[1] in ("<", "<=") and limit <= 0
            elif value.startswith("$"):
                self.tokens.append(("literal", value[1:].partition("-")[0]))
            elif _ELAPSED.fullmatch(value):
                self.tokens.append(("elapsed", value.lower()))
        elif name == "space":
            self.tokens.append(("literal", " "))
        elif name in ("quoted", "escaped"):
            self.tokens.append(("literal", value))
        elif name == "date":
            self.tokens.append(("date", value.lower()))
        elif name != "fill":
            self.tokens.append((name, whole))

    def _tell_minutes_from_months(self) -> None:
        """Mark ``m`` as minutes where it follows hours or comes before seconds."""
        places = [at for at, (name, _) in enumerate(self.tokens) if name in ("date", "elapsed")]
        for before, at, after in zip([None, *places[:-1]], places, [*places[1:], None], strict=True):
            name, value = self.tokens[at]
            if name == "date" and value[0] == "m" and len(value) < 3:
                follows = before is not None and self.tokens[before][1][0] == "h"
                precedes = after is not None and self.tokens[after][1][0] == "s"
                if follows or precedes:
                    self.tokens[at] = ("date", "n" * len(value))

    def date_text(self, number: Decimal, moment: datetime | None) -> str:
        """Return a serial number as a date, a time, both, or a duration; empty if it is none."""
        if any(name == "elapsed" for name, _ in self.tokens):
            return self._elapsed_text(number)
        if moment is None:
            return ""
        fields = [value for name, value in self.tokens if name == "date"]
        letters = {"y" if value[0] in "eb" else value[0] for value in fields}
        fraction = max((len(value.partition(".")[2]) for value in fields if value[0] == "s"), default=0)
        if not fraction and moment.microsecond and letters & set("hns"):
            moment = (moment + timedelta(milliseconds=500)).replace(microsecond=0)
        day = moment.date().isoformat()
        if {"y", "m"} <= letters:
            date_part = day if "d" in letters else day[:7]
        elif letters & set("md"):
            date_part = self._incomplete_date(moment)
        else:
            date_part = day[:4] if "y" in letters else ""
        if date_part and moment.time() == time():
            return date_part  # midnight, where the format has a time for other cells
        seconds = moment.strftime(":%S") + (f".{moment.microsecond:06}"[: fraction + 1] if fraction else "")
        if "h" in letters:
            time_part = moment.strftime("%H:%M" if "n" in letters or "s" in letters else "%H h")
            time_part += seconds if "s" in letters else ""
        else:
            time_part = (moment.strftime("%M") if "n" in letters else "") + (seconds if "s" in letters else "")
        return " ".join(filter(None, (date_part, time_part.removeprefix(":"))))

    def _incomplete_date(self, moment: datetime) -> str:
        """Return a date without a year as it is shown, names in English."""
        texts = {
            "d": str(moment.day), "dd": f"{moment.day:02}", "ddd": _DAYS[moment.weekday()][:3],
            "m": str(moment.month), "mm": f"{moment.month:02}", "mmm": _MONTHS[moment.month - 1][:3],
        }  # fmt: skip
        parts = []
        for name, value in self.tokens:
            if name == "date" and value[0] in "dm":
                long = _DAYS[moment.weekday()] if value[0] == "d" else _MONTHS[moment.month - 1]
                parts.append(texts.get(value, long))
            elif name == "date":
                break
            elif name in ("literal", "digit"):
                parts.append(value)
        return "".join(parts).strip()

    def _elapsed_text(self, number: Decimal) -> str:
        fields = [value for name, value in self.tokens if name in ("date", "elapsed")]
        fraction = max((len(value.partition(".")[2]) for value in fields if value[0] == "s"), default=0)
        has_seconds = any(value[0] == "s" for value in fields)
        scaled = abs(number) * 86_400
        total = scaled.quantize(Decimal(1).scaleb(-fraction), ROUND_HALF_UP, context=_PRECISE)
        left, parts = total, []
        for name, value in self.tokens:
            unit = {"h": 3600, "m": 60, "n": 60, "s": 1}.get(value[0]) if name in ("date", "elapsed") else None
            if unit is None:
                parts.append(value if name in ("literal", "digit") else "")
            else:
                count = int(left // unit)
                left -= count * unit
                rest = f".{int(left.scaleb(fraction)):0{fraction}}" if unit == 1 and fraction else ""
                parts.append(f"{count:0{len(value.partition('.')[0])}}" + rest)
        sign = "-" if number < 0 and (has_seconds or total >= 60) else ""
        return sign + "".join(parts).strip()

    def number_text(self, number: Decimal) -> str:
        """Return a number with the digits, signs and words of this section."""
        if self._plain:
            rounded = number.quantize(self._plain[0], ROUND_HALF_UP, context=_PRECISE)
            return format(rounded if rounded else abs(rounded), self._plain[1])
        digits = self._digits
        if "general" in {name for name, _ in self.tokens}:
            return self._assembled("general", general(number), number < 0)
        if self.has_at and not digits:
            return self._assembled("at", general(number), number < 0)
        if not any(sign in digits for sign in "0#?"):
            return self._assembled("", "", False)
        if "/" in digits and not any(name == "exponent" for name, _ in self.tokens):
            return self._fraction(number)
        number = number.scaleb(2 * digits.count("%"), _PRECISE)
        if any(name == "exponent" for name, _ in self.tokens):
            is_id = number == number.to_integral_value() and number.adjusted() >= 10
            return general(number) if is_id else self._scientific(number, digits)
        mask = digits.replace("%", "")
        whole_mask, point, decimals = mask.partition(".")
        decimals = re.sub("[^0#?]", "", decimals)
        scaled = whole_mask.rstrip(",") if not point else whole_mask
        thousands = len(mask) - len(mask.rstrip(",")) if mask.endswith(",") else 0
        if thousands:
            number = number.scaleb(-3 * thousands, _PRECISE)
        return self._filled(number, scaled, point, decimals)

    def _filled(self, number: Decimal, whole_mask: str, point: str, decimals: str) -> str:
        rounded = abs(number).quantize(Decimal(1).scaleb(-len(decimals)), ROUND_HALF_UP, context=_PRECISE)
        whole, _, rest = format(rounded, "f").partition(".")
        kept = len(rest)
        while kept and decimals[kept - 1] != "0" and rest[kept - 1] == "0":
            kept -= 1
        rest = rest[:kept]
        places = re.sub("[^0#?]", "", whole_mask)
        least = len(places) - len(places.lstrip("#?")) if "0" in places else len(places)
        whole = whole.lstrip("0").rjust(len(places) - least, "0")
        if "," in whole_mask and whole.isdigit():
            whole = f"{int(whole):0{len(whole) + (len(whole) - 1) // 3},}" if whole[0] == "0" else f"{int(whole):,}"
        return self._placed(whole, rest, point if rest or "0" in decimals else "", number < 0 and rounded != 0)

    def _placed(self, whole: str, rest: str, point: str, is_negative: bool) -> str:
        """Return the number where the digits stand in the section, literals between digits at their places."""
        tokens = self.tokens
        at = [index for index, (name, value) in enumerate(tokens) if name == "digit" and value in "0#?"]
        at_point = next((index for index, token in enumerate(tokens) if token == ("digit", ".")), len(tokens))
        parts: list[str] = []
        before = [index for index in at if index < at_point]
        after = [index for index in at if index > at_point]
        if "," not in whole and any(name == "literal" for name, _ in tokens[before[0] : before[-1]] if before):
            queue = list(whole.rjust(len(before)))
            head = len(queue) - len(before)
            taken = {
                index: ("".join(queue[: head + 1]) if n == 0 else queue[head + n]) for n, index in enumerate(before)
            }
        else:
            taken = {before[0]: whole} if before else {}
        if after:
            taken[after[0]] = taken.get(after[0], "") + rest
        if not before and whole:
            taken[at_point] = whole
        for index, (name, value) in enumerate(tokens):
            if index == at_point and point:
                parts.append(taken.get(index, "") + point)
            elif index in taken:
                parts.append(taken[index])
            elif name == "literal" or (name == "digit" and value == "%"):
                parts.append(value)
        text = " ".join("".join(parts).split())
        return f"-{text}" if is_negative else text

    def _scientific(self, number: Decimal, digits: str) -> str:
        mask, _, _ = digits.partition("E") if "E" in digits else digits.partition("e")
        decimals = len(re.sub("[^0#?]", "", mask.partition(".")[2]))
        text = format(number, f".{decimals}E")
        mantissa, _, exponent = text.partition("E")
        width = len(re.sub("[^0]", "", re.split("[Ee][+-]", digits)[-1])) or 1
        return f"{mantissa}E{exponent[0]}{int(exponent[1:]):0{width}}"

    def _fraction(self, number: Decimal) -> str:
        """Return a number as a fraction with a denominator of as many digits as the section has, or with the given."""
        mask = "".join(value for name, value in self.tokens if name in ("digit", "literal"))
        below = mask.rpartition("/")[2].strip()
        value = Fraction(abs(number))
        has_whole = bool(re.search(r"[0#?]\s+[0#?]+\s*/", mask))
        whole = int(value) if has_whole else 0
        part = value - whole
        fixed = re.match(r"\d*[1-9]\d*", below)
        if fixed:
            denominator = int(fixed[0][:6])
            numerator = round(part * denominator)
        else:
            closest = part.limit_denominator(10 ** min(max(len(re.findall("[0#?]", below)), 1), 6) - 1)
            numerator, denominator = closest.numerator, closest.denominator
        if has_whole and numerator == denominator:
            whole, numerator = whole + 1, 0
        shown = f"{numerator}/{denominator}" if numerator or not has_whole else ""
        text = " ".join(filter(None, (str(whole) if whole or (has_whole and not shown) else "", shown)))
        return f"-{text}" if number < 0 else text

    def _assembled(self, place: str, text: str, is_negative: bool) -> str:
        parts = [
            text.lstrip("-") if name == place else value for name, value in self.tokens if name in (place, "literal")
        ]
        joined = " ".join("".join(parts).split())
        return f"-{joined}" if is_negative and text.startswith("-") else joined
