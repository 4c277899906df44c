r"""Read LaTeX's tokens as Markdown: own commands are expanded, unknown ones leave the words of their arguments.

What takes an argument is read as a frame that ends with its brace, so that a brace, an environment or a formula that
does not end where it should loses nothing: a frame that ends too late is closed by the paragraph, section or
environment around it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from core.loading.latex._commands import (
    CITATIONS,
    DROPPED,
    FILES,
    LENGTHS,
    SECTION_LEVELS,
    SILENT,
    TABLES,
    TEMPLATES,
    UNITS,
    accented,
    symbols,
)
from core.loading.latex._environments import CODE, MATRICES, EnvironmentReader
from core.loading.latex._glossary import Glossary
from core.loading.latex._macros import (
    FALSE,
    NO_VALUE,
    TRUE,
    Definitions,
    is_paragraph_end,
)
from core.loading.latex._tables import CELL, ROW, span_mark
from core.loading.latex._tokens import LISTING, LITERAL, Tokens

_FRONT = {"subtitle", "institute", "affiliation", "affil", "keywords", "publishers", "address", "abstract", "email"}
# Of letters, curricula vitae and KOMA-Script's title pages; in a text they are commands of its own.
_PREAMBLE_FRONT = {
    "name", "firstname", "familyname", "lastname", "phone", "mobile", "fax", "telephone", "homepage", "social",
    "extrainfo", "signature", "location", "subject", "dedication", "titlehead", "extratitle", "uppertitleback",
    "lowertitleback", "position", "quote",
}  # fmt: skip
_OVERLAID = ("only", "uncover", "visible", "invisible", "onslide")
_OVERLAYS = tuple(f"\\{name}" for name in _OVERLAID)
_NOTES = {
    "footnote",
    "footnotetext",
    "endnote",
    "thanks",
    "marginpar",
    "marginnote",
    "sidenote",
    "todo",
    "tablefootnote",
}
_FRACTIONS = {"frac", "dfrac", "tfrac", "cfrac", "nicefrac", "sfrac"}
_QUANTITIES = {"SI": 2, "qty": 2, "si": 1, "unit": 1, "num": 1, "ang": 1, "SIrange": 3, "qtyrange": 3, "numrange": 2}
_KEPT = {
    "begin", "end", "item", "caption", "captionof", "title", "author", "date", "multicolumn", "multirow", "footnote",
    "includegraphics", "bibitem", "emph", "textbf", "textit", "\\", "href", "document", "itemize", "enumerate",
    "description", "figure", "table", "equation", "align", "abstract", "frame", "thebibliography", "verbatim", "par",
    "frac", "sqrt", "(", ")", "[", "]", *SECTION_LEVELS, *DROPPED, *TABLES, *FILES, *CITATIONS,
}  # fmt: skip
_DIMENSION = re.compile(
    r"\s*(?:to|by|spread|width|height|depth|plus|minus|=)?\s*(?:[-+]?(?:\d+\.?\d*|\.\d+))?\s*"
    r"(?:pt|em|ex|cm|mm|in|bp|sp|pc|dd|cc|mu|true\w\w|fill?l?)?"
)
_ALT = re.compile(r"\balt\s*=\s*(?:\{([^{}]*)\}|([^,\]]+))")
_GERMAN = re.compile(r"\\usepackage\s*(?:\[[^\]]*german[^\]]*\]\s*\{babel\}|\{n?german\})")
_SHORTHAND = re.compile("\"([aouAOUsz`'=|-])")
_SHORTHANDS = {"a": "ä", "o": "ö", "u": "ü", "A": "Ä", "O": "Ö", "U": "Ü", "s": "ß", "z": "ß", "`": "„", "'": "“",
               "=": "-", "|": "", "-": ""}  # fmt: skip


class LatexReader(EnvironmentReader):
    """Reads a document; afterwards its text and what was left out are in the attributes."""

    def __init__(self, source: str, tokens: Tokens, definitions: Definitions | None = None) -> None:
        overlays = "beamer}" in source or "\\begin{frame}" in source
        super().__init__(tokens.tokens, definitions or Definitions(_KEPT), overlays)
        self.title = self.author = self.date = ""
        self.front: list[str] = []
        self.files: dict[str, None] = {}
        self.drawings = tokens.drawings
        self._symbols = symbols()
        self._german = bool(_GERMAN.search(source))
        self._handlers = self._command_handlers()
        while self.stack:
            self._step(self.stack.pop())
        self.close_to(0)
        self.text = "".join(self.frames[0].out)

    @property
    def exhausted(self) -> bool:
        """Whether own commands stand for more than is followed."""
        return self.stack.exhausted

    def _step(self, token: str) -> None:
        first, top = token[0], self.frames[-1]
        if first == "\\" and len(token) > 1:
            self._command(token[1:])
        elif first == LITERAL:
            self.emit("" if token in (NO_VALUE, TRUE, FALSE) else token[1:])
        elif first == LISTING:
            self.emit(f"\n\n{LISTING}{len(self.listings)}{LISTING}\n\n")
            self.listings.append(token[1:])
        elif first == "{":
            top.depth += 1
        elif first == "}":
            if top.depth:
                self._end_group()
            elif top.kind != "env":
                self.close()
        elif first == "]" and top.kind == "opt" and not top.depth:
            self.close()
        elif first in "^_" and len(token) == 1:
            self._script(token)
        elif first == "&":
            top.depth = 0 if top.name in TABLES else top.depth
            self.emit(CELL if top.name in TABLES else " ")
        elif token.isspace():
            if is_paragraph_end(token):
                self.end_paragraph()
            self.emit(token)
        elif first not in "$#":
            self.emit(self._printed(token))

    def _end_group(self) -> None:
        top = self.frames[-1]
        top.depth -= 1
        if top.depth == top.spaced:
            if self.stack.peek() == "{":
                self.emit(" ")
            else:
                top.spaced = -1

    def _printed(self, text: str) -> str:
        """Return text with the quotes and dashes that LaTeX prints."""
        if self.frames[-1].name == CODE:
            return text
        if text == "~":
            return "\u00a0"
        if self._german and '"' in text:
            text = _SHORTHAND.sub(lambda match: _SHORTHANDS[match[1]], text)
        for written, printed in (
            ("---", "—"),
            ("--", "–"),
            ("``", "“"),
            ("''", "”"),
            ("!`", "¡"),
            ("?`", "¿"),
            ("`", "‘"),
        ):
            if written in text:
                text = text.replace(written, printed)
        return text

    # Commands

    def _command_handlers(self) -> dict[str, Callable[[], None]]:
        take = self.arguments

        def text(spec: str, template: str, short: bool = True) -> Callable[[], None]:
            return lambda: take(spec, lambda *got: self.emit(template.format(*got) if got[-1] else ""), short=short)

        handlers: dict[str, Callable[[], None]] = {
            "begin": lambda: self.begin(self.raw("r").strip()),
            "end": lambda: self.end(self.raw("r").strip()),
            "item": lambda: take("[", lambda label: self.emit(f"\n* {label} " if label else "\n* ")),
            "\\": self._line_end,
            "title": lambda: take("[{", lambda _, title: self._set("title", title)),
            "author": lambda: take("[{", lambda _, author: self._set("author", author), short=False),
            "date": lambda: take("{", lambda date: self._set("date", date)),
            "bibitem": lambda: take("or", lambda *_: self.emit("\n* ")),
            "caption": text("*[{", "\n\n{2}\n\n"),
            "captionof": text("*r[{", "\n\n{3}\n\n"),
            "enquote": text("*{", "“{1}”"),
            "tag": text("*{", " ({1})"),
            "intertext": text("{", "\n{0}\n"),
            "sqrt": lambda: take("[{", lambda root, of: self.emit(f"{root}√{_grouped(of)}")),
            "binom": text("{{", "({0} {1})"),
            "overset": text("{{", "{1}^{0}"),
            "underset": text("{{", "{1}_{0}"),
            "stackrel": text("{{", "{1}^{0}"),
            "twocolumn": text("[", "\n\n{0}\n\n", short=False),
            "framesubtitle": text("{", "\n\n{0}\n\n"),
            "multicolumn": lambda: take("rr{", lambda n, _, words: self.emit(span_mark(columns=n) + words)),
            "multirow": lambda: take("oroor{", lambda _, n, __, ___, ____, words: self.emit(span_mark(rows=n) + words)),
            "makecell": lambda: take("*[{", lambda _, __, words: self.emit(" ".join(words.split()))),
            "shortstack": lambda: take("[{", lambda _, words: self.emit(" ".join(words.split()))),
            "includegraphics": lambda: take("*oor", self._picture),
            "hspace": lambda: take("*r", lambda _, width: self.emit("" if width.strip().startswith("-") else " ")),
            "xspace": lambda: self.emit(" " if self.stack.peek()[:1].isalnum() else ""),
            "tikz": self._drawing,
            "string": lambda: self.emit(self.stack.pop() if self.stack else ""),
            "char": self._character,
            "csname": self._skip_csname,
            "else": self.other_branch,
            "fi": self.end_condition,
            "left": lambda: self.emit(self._skip_period()),
            "right": lambda: self.emit(self._skip_period()),
            "meta": text("{", "⟨{0}⟩"),
            "marg": text("{", "{{{0}}}"),
            "oarg": text("{", "[{0}]"),
            "textquote": text("[[{", "“{2}”"),
            "IfNoValueTF": lambda: self.choose(lambda value: value == NO_VALUE, 2),
            "IfNoValueT": lambda: self.choose(lambda value: value == NO_VALUE, 1),
            "IfNoValueF": lambda: self.choose(lambda value: value != NO_VALUE, 1),
            "IfValueTF": lambda: self.choose(lambda value: value != NO_VALUE, 2),
            "IfValueT": lambda: self.choose(lambda value: value != NO_VALUE, 1),
            "IfValueF": lambda: self.choose(lambda value: value == NO_VALUE, 1),
            "IfBooleanTF": lambda: self.choose(lambda value: value == TRUE, 2),
            "IfBooleanT": lambda: self.choose(lambda value: value == TRUE, 1),
            "IfBooleanF": lambda: self.choose(lambda value: value != TRUE, 1),
        }
        for name in _FRONT:
            handlers[name] = self._front
        for name in _PREAMBLE_FRONT:
            handlers[name] = lambda name=name: self._front() if self.in_preamble else self._unknown_command(name)  # type: ignore[misc]
        for name in _OVERLAID:
            handlers[name] = self._overlaid
        for name, (spec, template) in TEMPLATES.items():
            handlers[name] = text(spec, template)
        for name in _NOTES:
            handlers[name] = text("[{", " [{1}]", short=False)
        for name in _FRACTIONS:
            handlers[name] = lambda: take("{{", lambda over, under: self.emit(f"{_grouped(over)}/{_grouped(under)}"))
        for name in CITATIONS:
            handlers[name] = lambda: take("*[[r", self._cite)
        for name, count in _QUANTITIES.items():
            handlers[name] = lambda count=count: take("o" + "r" * count, self._quantity)  # type: ignore[misc]
        for name, level in SECTION_LEVELS.items():
            handlers[name] = lambda level=level: self._section(level)  # type: ignore[misc]
        for name in ("cs", "cmd", "DescribeMacro", "DescribeEnv", "DescribeOption"):
            prefix = "\\" if name == "cs" else ""
            handlers[name] = lambda prefix=prefix: self.emit(prefix + self.raw("r"))  # type: ignore[misc]
        for name in ("(", ")"):
            handlers[name] = lambda: None
        for name in ("[", "]"):
            handlers[name] = lambda: self.emit("\n")
        for name, spec in FILES.items():
            word = spec.replace("r", "w") if name in ("input", "@@input") else spec
            handlers[name] = lambda word=word: take(word, lambda *got: self._file(word, got))  # type: ignore[misc]
        handlers |= Glossary(self).handlers()
        for name, spec in DROPPED.items():
            handlers.setdefault(name, lambda spec=spec: take(spec, lambda *_: None))  # type: ignore[misc]
        return handlers

    def _command(self, name: str) -> None:
        """Follow one command."""
        macro = self.definitions.macros.get(name)
        if macro and self.stack.expand(macro):
            return
        if self.definitions.read(name, self.stack):
            return
        self.skip_overlay()
        if name in self._handlers:
            self._handlers[name]()
        elif self.is_condition(name):
            self.condition(name)
        elif not self._accent(name):
            if name in self._symbols:
                self._printed_symbol(self._symbols[name])
            elif name in LENGTHS:
                self._skip_length()
                self.emit(" " if name == "hskip" else "")
            else:
                self._unknown_command(name)

    def text_of(self, tokens: list[str]) -> str:
        """Return the text of tokens that stand on their own, with this file's commands."""
        return LatexReader("", Tokens(tokens), self.definitions).text

    def _printed_symbol(self, text: str) -> None:
        if is_paragraph_end(text or "x"):
            self.end_paragraph()
        if text == "\n" and self.frames[-1].name in TABLES:
            text = ROW
        following = self.stack.peek()
        if len(text) > 1 and text[-1].isalpha() and (following[:1].isalnum() or following[1:2].isalpha()):
            text += " "  # sin t, LaTeX is
        self.emit(text)

    def _unknown_command(self, name: str) -> None:
        """Leave out a command that is not known; its arguments follow as text, and an option if it has words."""
        self.frames[-1].spaced = self.frames[-1].depth
        if self.stack.peek() == "[":
            options = self.stack.bracketed()
            if options is not None:
                words = "".join(options)
                if " " in words.strip() and "=" not in words and any(map(str.isalpha, words)):
                    self.stack.push([*options, " "])
                return
        has_argument = self.stack.peek() == "{" and not self.stack.starts_empty_group()
        if name not in SILENT and name.isalpha() and not has_argument:
            self.unknown[name] = self.unknown.get(name, 0) + 1

    def _accent(self, name: str) -> bool:
        if accented(name, "x") is None:
            return False
        self.stack.skip_spaces()
        letter = "".join(token.removeprefix("\\") for token in self.stack.group() if token not in ("{", "}"))
        self.emit(accented(name, letter) or "")
        return True

    def _script(self, sign: str) -> None:
        r"""Read what stands above or below: x^2, x_i, x^{2n} as x^(2n)."""
        if self.stack.peek() != "{":
            self.emit(sign)
            return
        self.arguments(
            "{", lambda text: self.emit("°" if sign == "^" and text in "∘°" and text else sign + _grouped(text))
        )

    def _set(self, field_name: str, text: str) -> None:
        if text or not getattr(self, field_name):
            setattr(self, field_name, text)

    def _front(self, got: str = "") -> None:
        """Take what a title page or letterhead shows, in a preamble with all of its parts: name{first}{last}."""

        def add(_: str, words: str) -> None:
            words = f"{got} {words}".strip()
            if self.in_preamble and self.stack.peek() == "{" and not self.forced:
                self._front(words)
            else:
                self._add_front(words)

        self.arguments("[{", add, short=False)

    def _overlaid(self) -> None:
        """Read what is on some slides only; the next such text stands in its place and is another word."""
        if self.stack.peek() == "{":
            self.arguments("{", lambda words: self.emit(words + " " * self.stack.peek().startswith(_OVERLAYS)))

    def _add_front(self, words: str) -> None:
        if self.in_preamble:
            self.front.append(words)
        else:
            self.emit(f"\n\n{words}\n\n")

    def _section(self, level: int) -> None:
        self.close_arguments()

        def heading(_: str, __: str, title: str) -> None:
            title = " ".join(title.replace(ROW, " ").split())
            self.emit(f"\n\n{'#' * level} {title}\n\n" if title else "")

        self.arguments("*[{", heading)

    def _cite(self, _: str, before: str, after: str, keys: str) -> None:
        """Write the keys, with the words before and after them; a single option stands after them."""
        if not after:
            before, after = "", before
        keys = ", ".join(key.strip() for key in keys.split(","))
        parts = f"{before} {keys}".strip() + (f", {after}" if after else "")
        self.emit(f"[{parts}]" if parts else "")

    def _quantity(self, *arguments: str) -> None:
        parts = []
        for argument in arguments[1:]:
            names = re.sub(r"\\([A-Za-z]+)\s*", lambda unit: UNITS.get(unit[1], unit[1]), argument)
            parts.append(names.replace("\\", "").replace("~", " ").strip())
        unit = parts.pop() if len(parts) > 1 else ""
        self.emit(f"{'–'.join(parts)} {unit}".strip())

    def _file(self, spec: str, arguments: Sequence[str]) -> None:
        parts = [argument.strip() for kind, argument in zip(spec, arguments, strict=True) if kind != "o"]
        name = "/".join(part.rstrip("/") for part in parts if part)
        if name:
            self.files[name] = None

    def _picture(self, _: str, options: str, ___: str, ____: str) -> None:
        match = _ALT.search(options)
        if match:
            self.emit(f"\n\n{(match[1] or match[2]).strip()}\n\n")
        else:
            self.pictures += 1

    def _drawing(self) -> None:
        self.drawings += 1
        self.stack.bracketed()
        self.stack.skip_spaces()
        if self.stack.peek() == "{":
            self.stack.group()
            return
        for _ in range(2000):
            if not self.stack or is_paragraph_end(self.stack.peek()) or ";" in self.stack.pop():
                return

    def _line_end(self) -> None:
        self.stack.take_star()
        top = self.frames[-1]
        options = self.stack.bracketed()
        if any(token[0] not in "\\-+.0123456789" and not token[:1].isdigit() for token in options or ()):
            self.stack.push(["[", *(options or ()), "]"])  # a bracket of the text, not a distance
        if top.name in TABLES and not top.depth:
            self.emit(ROW)
        else:
            self.emit("\x04" if top.name in MATRICES else "\n")

    def _skip_period(self) -> str:
        r"""Take the period of ``\left.``, which prints nothing."""
        if self.stack.peek().startswith("."):
            rest = self.stack.pop()[1:]
            self.stack.push([rest] if rest else [])
        return ""

    def _character(self) -> None:
        match = re.match(r"(?:(\d{1,6})|\"([0-9A-F]{1,5})|'([0-7]{1,6}))", self.stack.peek())
        if match:
            code = int(match[1]) if match[1] else int(match[2], 16) if match[2] else int(match[3], 8)
            rest = self.stack.pop()[match.end() :]
            self.stack.push([rest] if rest else [])
            self.emit(chr(code) if 32 <= code < 0xD800 else "")

    def _skip_csname(self) -> None:
        for _ in range(50):
            if not self.stack or self.stack.pop() == "\\endcsname":
                return

    def _skip_length(self) -> None:
        for _ in range(9):  # 3pt plus 1pt minus 1pt
            self.stack.skip_spaces()
            match = _DIMENSION.fullmatch(self.stack.peek())
            if not match or not match[0].strip():
                return
            self.stack.pop()


def _grouped(text: str) -> str:
    """Return a part of a formula in parentheses, unless it is one number, letter or word."""
    return text if len(text) == 1 or text.isalnum() or not text else f"({text})"
