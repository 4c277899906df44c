"""Environments of LaTeX: tables, theorems, frames of slides, and those that a file defines."""

from __future__ import annotations

import re
from collections.abc import Sequence

from core.loading.latex._commands import ENVIRONMENT_ARGUMENTS, TABLES
from core.loading.latex._conditions import ConditionReader
from core.loading.latex._frames import Frame
from core.loading.latex._macros import Definitions, Macro, TokenStack, substitute
from core.loading.latex._tables import inner_table, table
from core.loading.latex._tokens import LISTING, option_title

MATRICES = {"array", "matrix", "pmatrix", "bmatrix", "Bmatrix", "vmatrix", "Vmatrix", "smallmatrix", "cases", "rcases",
             "dcases", "pmatrix*", "bmatrix*", "substack"}  # fmt: skip
_BLOCKS = {"block", "alertblock", "exampleblock"}
_THEOREMS = {"theorem", "lemma", "corollary", "proposition", "definition", "remark", "example", "proof", "claim"}
_PLACEMENT = re.compile(r"[hHtbpclrsm!.\d]*|<[^>]*>")
CODE = "Highlighting"  # pandoc's listings, whose words are marked
_OVERLAY = re.compile(r"<[\d+\-,.:|@a-z]*>")


class EnvironmentReader(ConditionReader):
    """Begins and ends environments."""

    def __init__(self, tokens: Sequence[str], definitions: Definitions, overlays: bool) -> None:
        super().__init__(TokenStack(tokens), definitions)
        self.listings: list[str] = []
        self.unknown: dict[str, int] = {}
        self.pictures = 0
        self.in_preamble = _has_body(tokens)
        self._overlays = overlays

    def text_of(self, tokens: list[str]) -> str:
        """Return the text of tokens that stand on their own. Overridden by the reader of commands."""
        raise NotImplementedError

    def begin(self, name: str) -> None:
        """Begin an environment: its arguments are passed over, a title among its options is kept."""
        if name == "document":
            self._begin_document()
            return
        own = self.definitions.environments.get(name)
        if own:
            self._begin_own(name, own)
            return
        frame = Frame(name=name)
        heading = self._heading_of(name)
        if name in TABLES and name not in MATRICES:
            frame.close = self._end_table
        elif name in MATRICES:
            frame.close = lambda text: self.emit(inner_table(text))
        elif name == CODE:
            frame.close = self._end_code
        else:
            frame.close = lambda text: self.emit(f"\n{text}\n")
        self.skip_overlay()
        spec = {**TABLES, **ENVIRONMENT_ARGUMENTS, "cases": "", "frame": "o"}.get(name)
        if spec is not None or name.startswith("tabular"):
            for kind in spec or "":
                self.raw(kind)
        if name in MATRICES and name not in TABLES:
            spec = ""
        words = "" if spec or name in MATRICES else self._option_words()
        self.frames.append(frame)
        if heading:
            self.emit(f"\n\n{heading}{f' ({words})' if words else ''}. ")
        elif words:
            self.emit(f"\n\n{words}\n\n")
        if name in ("frame", *_BLOCKS) and self.stack.peek() == "{":
            level = "#### " if name == "frame" else ""
            self.arguments("{", lambda title: self.emit(f"\n\n{level}{' '.join(title.split())}\n\n" if title else ""))

    def _heading_of(self, name: str) -> str:
        """Return what LaTeX prints at the beginning of a theorem's environment."""
        title = self.definitions.theorems.get(name)
        return title if title is not None else name.capitalize() if name in _THEOREMS else ""

    def _option_words(self) -> str:
        """Return the title among the options of an environment, empty for others."""
        options = self.stack.bracketed() if self.stack.peek() == "[" else None
        if not options:
            return ""
        text = "".join(options)
        if "=" in text:
            return option_title(text)
        if _PLACEMENT.fullmatch(text.strip()):
            return ""
        return " ".join(self.text_of(options).split())

    def _begin_own(self, name: str, own: Macro) -> None:
        arguments = [self.stack.argument(parameter) for parameter in own.parameters]
        end = substitute(own.end, arguments)
        self.frames.append(Frame(name=name, end=end or ["\\relax"]))
        if not self.stack.expand(Macro((*substitute(own.body, arguments),))):
            self.frames[-1].end = []

    def _begin_document(self) -> None:
        if not self.in_preamble:
            return
        self.in_preamble = False
        self.frames = [Frame()]
        self.pictures = 0
        self.unknown.clear()
        self.listings.clear()

    def end(self, name: str) -> None:
        """Close an environment with what is open inside it; an end without a beginning is passed over."""
        if name == "document" and not self.in_preamble:
            self.stack.clear()
            return
        index = next((at for at in range(len(self.frames) - 1, 0, -1) if self.frames[at].name == name), 0)
        if not index:
            return
        frame = self.frames[index]
        if frame.end:
            self.stack.push([*frame.end, "\\end", "{", name, "}"])
            frame.end = []
            return
        self.close_to(index)
        self.close()

    def _end_table(self, text: str) -> None:
        inside = any(frame.name in TABLES or frame.kind != "env" for frame in self.frames)
        self.emit(inner_table(text) if inside else f"\n\n{table(text)}\n\n")

    def _end_code(self, text: str) -> None:
        self.emit(f"\n\n{LISTING}{len(self.listings)}{LISTING}\n\n")
        self.listings.append(text.strip("\n").replace("\u00a0", " "))

    def skip_overlay(self) -> None:
        """Pass over the numbers of slides that beamer's commands take: <1->."""
        match = _OVERLAY.match(self.stack.peek()) if self._overlays else None
        if match:
            rest = self.stack.pop()[match.end() :]
            self.stack.push([rest] if rest else [])


def _has_body(tokens: Sequence[str]) -> bool:
    r"""Return whether a file has \\begin{document}, before which nothing is printed."""
    return any(tokens[index : index + 4] == ["\\begin", "{", "document", "}"] for index in range(len(tokens)))
