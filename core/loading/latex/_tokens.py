r"""LaTeX source as tokens: commands, braces, spaces, words, and what is to be kept as it is written (verbatim).

A token is a string: a command begins with ``\``, verbatim text with LITERAL, a listing with LISTING, a parameter is
``#1``, white space with two line ends or more is the end of a paragraph, and each of ``{}[]$&^_~`` is a token of its
own. All other text comes in runs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

LITERAL, LISTING = "\x01", "\x02"  # clean_text leaves no control characters in a source
_LISTINGS = ("verbatim", "verbatim*", "Verbatim", "Verbatim*", "BVerbatim", "LVerbatim", "SaveVerbatim", "lstlisting",
             "minted", "spverbatim", "alltt", "verbatimtab", "listing*", "semiverbatim", "comment", "filecontents",
             "filecontents*", "CCSXML", "dcode", "sourcecode")  # fmt: skip
_UNSEEN = {"comment", "filecontents", "filecontents*", "CCSXML"}
_DRAWINGS = ("tikzpicture", "pgfpicture", "picture", "pspicture", "pspicture*", "circuitikz", "forest", "tikzcd",
             "asy", "feynman", "xy", "dot2tex")  # fmt: skip
_NEW_LISTING = re.compile(
    r"\\(?:lstnewenvironment|newtcblisting|NewTCBListing|newminted|DefineVerbatimEnvironment|CustomVerbatimEnvironment)"
    r"\s*(?:\[[^\]\n]*\]\s*)?\{([A-Za-z]{1,40}\*?)\}"
)
_EXCLUDED = re.compile(r"\\excludecomment\s*\{([A-Za-z]{1,40}\*?)\}")
_SHORT_VERB = re.compile(r"\\(?:MakeShortVerb\*?|DefineShortVerb)\s*\{?\\(.)\}?|\\documentclass[^\n]*\{(ltx|l3)doc\}")
_PLAIN_COMMAND = re.compile(r"\\(?:[A-Za-z]+|.)", re.DOTALL)

_PATTERN = r"""
  (?P<comment>%[^\n]*(?:\n[ \t]*(?P<blank>\n\s*)?)?)
| (?P<environment>\\begin[ \t]*\{[ \t]*(?P<name>LISTINGS)[ \t]*\})
| (?P<drawing>\\begin[ \t]*\{[ \t]*(?P<figure>DRAWINGS)[ \t]*\})
| (?P<verb>\\(?:verb\*?|Verb\*?|lstinline|mintinline|path|url|nolinkurl|href)(?![A-Za-z@]))
| (?P<at>\\makeat(?:letter|other)(?![A-Za-z@]))
| (?P<command>\\(?:[A-Za-z@]+|.|\n))
| (?P<space>[ \t\n]+)
| (?P<parameter>\#+[1-9]?)
| (?P<special>[{}\[\]$&^_~])
| (?P<text>[^\\{}\[\]$&^_~\#%\s]+|\s)
"""
_SPACE_AFTER = re.compile(r"[ \t]*(?:\n[ \t]*(?!\s*\n))?")
_OPTIONAL = re.compile(r"\s*\[([^\]\[\n]*(?:\[[^\]\n]*\][^\]\[\n]*)*)\]")
_LONGEST_OPTION = 300  # characters
_OWN_LISTING = re.compile(r"[^\S\n]*\n?")
_CAPTION = re.compile(r"(?:caption|title)\s*=\s*(?:\{((?:[^{}]|\{[^{}]*\})*)\}|([^,\]{}]+))")


@dataclass
class Tokens:
    """The tokens of a source; ``drawings`` counts what was left out."""

    tokens: list[str] = field(default_factory=list)
    drawings: int = 0


def option_title(options: str) -> str:
    """Return the caption or title among the options of an environment, empty without any."""
    match = _CAPTION.search(options)
    return (match[1] or match[2] or "").strip() if match else ""


def tokenize(source: str) -> Tokens:
    """Return the tokens of a LaTeX source, without comments and drawings."""
    return _Tokenizer(source).result


class _Tokenizer:
    def __init__(self, source: str) -> None:
        self.source = source
        self.result = Tokens()
        self.add = self.result.tokens.append
        self.excluded = _UNSEEN | {match[1] for match in _EXCLUDED.finditer(source)}
        listings = {*_LISTINGS, *self.excluded, *(match[1] for match in _NEW_LISTING.finditer(source))}
        self.token = re.compile(
            _PATTERN.replace("LISTINGS", _alternatives(listings)).replace("DRAWINGS", _alternatives(_DRAWINGS)),
            re.VERBOSE,
        )
        shorts = "".join((match[1] or "") + ("|" if match[2] else "") for match in _SHORT_VERB.finditer(source))
        self.short = re.compile(rf"([{re.escape(shorts)}])([^\n]*?)\1") if shorts else None
        self.short_characters = set(shorts)
        self.letters_with_at = False
        self.unclosed: set[str] = set()  # ends of environments that do not come any more
        position = 0
        while position < len(source):
            position = self.step(position)

    def step(self, position: int) -> int:
        """Read one token at ``position`` and return where the next one begins."""
        source = self.source
        if self.short and source[position] in self.short_characters:
            match = self.short.match(source, position)
            if match:
                self.add(LITERAL + match[2])
                return match.end()
        token = self.token.match(source, position)
        if token is None:
            return position + 1
        kind, end = token.lastgroup, token.end()
        if kind in ("comment", "blank"):
            if token["blank"]:
                self.add("\n\n")
        elif kind in ("environment", "name"):
            end = self.listing(token["name"], end)
        elif kind in ("drawing", "figure"):
            end = self.drawing(token["figure"], end)
        elif kind == "verb":
            end = self.verb(token[0], end)
        elif kind == "at":
            self.letters_with_at = token[0] == "\\makeatletter"
            end = self.after_word(end)
        elif kind == "command":
            end = self.command(token[0], position)
        elif kind == "text" and self.short:
            end = self.text_before_short_verb(token[0], position)
        else:
            self.add(token[0])
        return end

    def text_before_short_verb(self, text: str, position: int) -> int:
        cut = next((index for index, sign in enumerate(text) if index and sign in self.short_characters), len(text))
        self.add(text[:cut])
        return position + cut

    def command(self, command: str, position: int) -> int:
        """Add a command; an @ belongs to its name between makeatletter and makeatother only."""
        if "@" in command and not self.letters_with_at:
            plain = _PLAIN_COMMAND.match(self.source, position)
            command = plain[0] if plain else command
        self.add(command)
        end = position + len(command)
        return self.after_word(end) if len(command) > 2 or ("a" <= command[1:].lower() <= "z") else end

    def after_word(self, end: int) -> int:
        """Return the place after the spaces that end a command's name."""
        space = _SPACE_AFTER.match(self.source, end)
        return space.end() if space else end

    def find(self, text: str, start: int) -> int:
        """Return where ``text`` comes next, -1 if it does not; a search that failed is not made again."""
        at = -1 if text in self.unclosed else self.source.find(text, start)
        if at < 0:
            self.unclosed.add(text)
        return at

    def listing(self, name: str, start: int) -> int:
        closing = f"\\end{{{name}}}"
        end = self.find(closing, start)
        if end < 0:  # a listing without an end: its lines are read as text
            return start
        if name not in self.excluded:
            options = _OPTIONAL.match(self.source, start, min(end, start + 9 * _LONGEST_OPTION))
            if options:
                start = options.end()
                self.result.tokens += ["\n\n", option_title(options[1]), "\n\n"] if option_title(options[1]) else []
            if name in ("minted", "listing*", "SaveVerbatim") and self.source.startswith("{", start):
                start = max(self.source.find("}", start, end) + 1, start)
            line = _OWN_LISTING.match(self.source, start, end)
            self.add(LISTING + self.source[line.end() if line else start : end].rstrip())
        return end + len(closing)

    def drawing(self, name: str, start: int) -> int:
        closing = f"\\end{{{name}}}"
        end = self.find(closing, start)
        if end < 0:
            return start
        self.result.drawings += 1
        return end + len(closing)

    def verb(self, command: str, end: int) -> int:
        r"""Read what stands as it is written: ``\verb|...|``, ``\url{...}``; ``\href`` loses its address."""
        source = self.source
        options = _OPTIONAL.match(source, end, end + _LONGEST_OPTION)
        if options and command in ("\\lstinline", "\\mintinline", "\\href", "\\Verb"):
            end = options.end()
        if command == "\\mintinline":
            end = self.braced(end)[1]
        braces = command in ("\\url", "\\nolinkurl", "\\href", "\\path", "\\lstinline", "\\mintinline", "\\Verb")
        blank = re.compile(r"\s*").match(source, end)
        at = blank.end() if blank else end
        if braces and source.startswith("{", at):
            text, end = self.braced(at)
            if command != "\\href":
                self.add(LITERAL + text.replace("\\%", "%").replace("\\#", "#").replace("\\_", "_"))
            return end
        if command in ("\\url", "\\nolinkurl", "\\href") or at >= len(source):
            return end
        delimiter = source[end] if end < len(source) else ""
        close = source.find(delimiter, end + 1, end + 2000) if delimiter and not delimiter.isalnum() else -1
        if close < 0 or "\n" in source[end:close]:
            return end
        self.add(LITERAL + source[end + 1 : close])
        return close + 1

    def braced(self, start: int) -> tuple[str, int]:
        """Return what is between balanced braces at ``start``, and where they end; nothing where they do not end."""
        depth = 0
        for brace in re.compile(r"[{}]|\n\s*\n").finditer(self.source, start, start + 5000):
            if "\n" in brace[0]:
                break
            depth += 1 if brace[0] == "{" else -1
            if depth <= 0:
                return self.source[start + 1 : brace.start()], brace.end()
        return "", start + self.source.startswith("{", start)


def _alternatives(names: set[str] | tuple[str, ...]) -> str:
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
