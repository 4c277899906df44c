r"""TeX's conditions: what a file switches off is left out, of unknown conditions both branches are read."""

from __future__ import annotations

from collections.abc import Callable

from core.loading.latex._frames import FrameReader
from core.loading.latex._macros import Definitions, TokenStack

_CONDITIONALS = {
    "ifx", "ifnum", "ifdim", "ifodd", "ifcase", "ifcat", "if", "ifdefined", "ifcsname", "ifvmode", "ifhmode",
    "ifmmode", "ifinner", "ifvoid", "ifpdf", "ifxetex", "ifluatex", "ifPDFTeX", "ifLuaTeX", "ifXeTeX",
}  # fmt: skip
_MAX_SKIPS = 3  # branches without an end, after which none is passed over


class ConditionReader(FrameReader):
    r"""Follows \\if...\\else...\\fi, and the tests of xparse."""

    def __init__(self, stack: TokenStack, definitions: Definitions) -> None:
        super().__init__(stack)
        self.definitions = definitions
        self._open: list[str] = []  # "true", "false" or "unknown" for each condition
        self._skips = 0

    def choose(self, test: Callable[[str], bool], branches: int) -> None:
        """Take a value and one or two branches, and put the one that the test chooses in front."""
        value = "".join(self.stack.group())
        chosen = [self.stack.group() for _ in range(branches)]
        if test(value):
            self.stack.push(chosen[0])
        elif branches > 1:
            self.stack.push(chosen[1])

    def is_condition(self, name: str) -> bool:
        r"""Return whether a command is a condition, or sets one as \\drafttrue does."""
        switch = name.removesuffix("true").removesuffix("false")
        return name in _CONDITIONALS or name in self.definitions.switches or f"if{switch}" in self.definitions.switches

    def condition(self, name: str) -> None:
        """Begin a condition, or set one."""
        switches = self.definitions.switches
        if name in switches:
            if switches[name]:
                self._open.append("true")
            elif self._skip_branch() == "else":
                self._open.append("false")
        elif name not in _CONDITIONALS:
            switches[f"if{name.removesuffix('true').removesuffix('false')}"] = name.endswith("true")
        else:
            self._open.append("unknown")
            if name in ("ifx", "if", "ifcat"):
                self.stack.group()
                self.stack.group()
            elif name in ("ifnum", "ifdim", "ifodd", "ifcase", "ifdefined"):
                for _ in range(8):
                    if not self.stack or self.stack.peek().isspace() or self.stack.pop() == "\\relax":
                        break

    def other_branch(self) -> None:
        r"""Pass over what follows \\else if the first branch was read."""
        if self._open and self._open[-1] == "true" and self._skip_branch(is_last=True) == "fi":
            self._open.pop()
        elif self._open and self._open[-1] == "unknown":
            self.emit(" ")

    def end_condition(self) -> None:
        r"""Follow \\fi."""
        if self._open:
            self._open.pop()

    def _skip_branch(self, is_last: bool = False) -> str:
        """Pass over a branch; return "else" or "fi" for its end, which is taken, "" if it has none and is read."""
        skipped: list[str] = []
        depth = 0
        while self.stack and self._skips < _MAX_SKIPS:
            command = self.stack.pop()
            skipped.append(command)
            name = command[1:]
            if command[0] != "\\":
                continue
            if name in _CONDITIONALS or name in self.definitions.switches:
                depth += 1
            elif name == "fi":
                if not depth:
                    return "fi"
                depth -= 1
            elif name == "else" and not depth and not is_last:
                return "else"
        self._skips += 1
        self.stack.push(skipped)
        return ""
