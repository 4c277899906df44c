r"""Abbreviations and terms that a LaTeX file defines for glossaries, glossaries-extra, acronym or acro.

They are printed where they are used: the first time as "long form (short form)", then in their short form. A list of
them stands where the file prints one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from core.loading.latex._frames import FrameReader
from core.loading.latex._tokens import tokenize

_PREFIXES = ("gls", "Gls", "GLS", "acr", "Acr", "ACR", "glsxtr", "Glsxtr", "glsentry", "Glsentry", "ac", "Ac")
# What a command prints of a term, and whether in the plural.
_ENDINGS = {
    "": ("first", False), "pl": ("first", True), "short": ("short", False), "shortpl": ("short", True),
    "long": ("long", False), "longpl": ("long", True), "full": ("full", False), "fullpl": ("full", True),
    "text": ("short", False), "name": ("short", False), "first": ("full", False), "plural": ("short", True),
    "desc": ("description", False), "description": ("description", False),
}  # fmt: skip
_USES = {prefix + ending: form for prefix in _PREFIXES for ending, form in _ENDINGS.items()} | {
    start + ending + plural: (form, bool(plural))
    for start in ("ac", "Ac")
    for ending, form in (("", "first"), ("s", "short"), ("l", "long"), ("f", "full"))
    for plural in ("", "p")
}
_LISTS = (
    "printglossary", "printglossaries", "printnoidxglossary", "printnoidxglossaries", "printunsrtglossary",
    "printunsrtglossaries", "printacronyms", "printabbreviations",
)  # fmt: skip
_LONGEST_FORM = 2000  # characters
_LONGEST_OPTIONS = 20_000  # characters


@dataclass
class _Entry:
    short: str
    long: str = ""
    description: str = ""
    is_used: bool = False

    def full(self) -> str:
        return f"{self.long} ({self.short})" if self.long else self.short


class Glossary:
    """The terms of one file."""

    def __init__(self, reader: FrameReader) -> None:
        self._reader = reader
        self._is_listed = False
        self._entries: dict[str, _Entry] = {}

    def handlers(self) -> dict[str, Callable[[], None]]:
        """Return what the commands do that define, use and list terms, by their names."""
        take = self._reader.arguments
        found: dict[str, Callable[[], None]] = {}
        for name, form in _USES.items():
            found[name] = lambda form=form: take("*or", lambda _, __, key: self._use(key, *form))  # type: ignore[misc]
        for name in ("newacronym", "newabbreviation"):
            found[name] = lambda: take("or{{", lambda _, key, short, long: self._add(key, _Entry(short, long)))
        for name in ("acrodef", "newacro", "acro"):
            listed = name == "acro"
            found[name] = lambda listed=listed: take(  # type: ignore[misc]
                "r[{", lambda key, short, long: self._acro(key, _Entry(short or key, long), listed)
            )
        for name in ("newglossaryentry", "DeclareAcronym", "provideglossaryentry"):
            found[name] = lambda: take("orr", lambda _, key, options: self._declare(key, options))
        found["longnewglossaryentry"] = lambda: take(
            "rr{", lambda key, options, description: self._declare(key, options, description)
        )
        for name in _LISTS:
            found[name] = lambda: take("o", lambda _: self._print())
        return found

    def _add(self, key: str, entry: _Entry) -> None:
        self._entries[key.strip()] = entry

    def _acro(self, key: str, entry: _Entry, listed: bool) -> None:
        self._add(key, entry)
        if listed:
            self._reader.emit(f"\n* {entry.short}: {entry.long}\n")

    def _declare(self, key: str, options: str, description: str = "") -> None:
        """Add a term whose forms stand among ``options``: they are put in front of the tokens to be read as text."""
        options = options[:_LONGEST_OPTIONS]
        short = _option(options, "short") or _option(options, "name") or key.strip()
        forms = "".join(
            f"{{{form}}}" for form in (short, _option(options, "long"), description or _option(options, "description"))
        )
        self._reader.stack.push(tokenize(forms).tokens)

        def add(*read: str) -> None:
            short, long, text = (" ".join(form.split()) for form in read)
            self._add(key, _Entry(short, long, text))

        self._reader.arguments("{{{", add)

    def _use(self, key: str, form: str, plural: bool) -> None:
        key = key.strip()
        entry = self._entries.get(key)
        if entry is None:
            self._reader.emit(key)
            return
        is_full = form == "full" or (form == "first" and not entry.is_used)
        entry.is_used = entry.is_used or form == "first"
        ending = "s" if plural else ""
        if form == "description":
            self._reader.emit(entry.description)
        elif form == "long":
            self._reader.emit((entry.long or entry.short) + ending)
        elif is_full and entry.long and len(entry.long) <= _LONGEST_FORM:
            self._reader.emit(f"{entry.long}{ending} ({entry.short}{ending})")
        else:
            self._reader.emit(entry.short + ending)

    def _print(self) -> None:
        """List the terms, once: a file may have a list for each kind of them."""
        entries = () if self._is_listed else self._entries.values()
        self._is_listed = True
        lines = (f"* {entry.full()}" + (f": {entry.description}" if entry.description else "") for entry in entries)
        self._reader.emit("\n\n" + "\n".join(lines) + "\n\n")


def _option(options: str, name: str) -> str:
    """Return the value of a key among options such as ``name={a, b}, description=c``, empty without it."""
    match = re.search(rf"(?:^|[,{{\s]){name}\s*=\s*", options)
    if not match:
        return ""
    start = match.end()
    if not options.startswith("{", start):
        return options[start:].partition(",")[0].strip()
    depth = 0
    for index in range(start, len(options)):
        depth += {"{": 1, "}": -1}.get(options[index], 0)
        if not depth:
            return options[start + 1 : index]
    return ""  # its end is missing: it would take the text behind it
