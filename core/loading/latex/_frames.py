"""The parts of a LaTeX text that are being read: environments, arguments in braces and options in brackets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from core.loading.latex._macros import TokenStack, is_paragraph_end
from core.loading.latex._tokens import LITERAL


@dataclass
class Frame:
    """A part of the text that is being read; ``close`` is given the text at its end."""

    kind: str = "env"  # or "arg" between braces, "opt" between brackets
    name: str = ""
    close: Callable[[str], None] | None = None
    short: bool = False  # ends with the paragraph
    out: list[str] = field(default_factory=list)
    depth: int = 0  # of braces
    spaced: int = -1  # depth of a group that is an argument of an unknown command: another one is not glued to it
    end: list[str] = field(default_factory=list)  # tokens in place of the end of an own environment


class FrameReader:
    """Collects text in frames, and takes the arguments of commands from the tokens."""

    def __init__(self, stack: TokenStack) -> None:
        self.stack = stack
        self.frames = [Frame()]
        self.forced = False  # while frames are closed that did not end

    def emit(self, text: str) -> None:
        """Add text to the innermost frame."""
        self.frames[-1].out.append(text)

    def close(self) -> None:
        """End the innermost frame."""
        frame = self.frames.pop()
        text = "".join(frame.out)
        if frame.close:
            frame.close(text)
        else:
            self.emit(text)

    def close_to(self, size: int) -> None:
        """Close all frames above the first ``size`` + 1."""
        self.forced = True
        while len(self.frames) > size + 1:
            self.close()
        self.forced = False

    def end_paragraph(self) -> None:
        """Close the frames that end with the paragraph."""
        short = next((index for index, frame in enumerate(self.frames) if frame.short), None)
        if short is not None:
            self.close_to(short - 1)

    def close_arguments(self) -> None:
        """Close the arguments that are open inside the innermost environment."""
        size = len(self.frames) - 1
        while size and self.frames[size].kind != "env":
            size -= 1
        self.close_to(size)

    def arguments(self, spec: str, done: Callable[..., None], got: tuple[str, ...] = (), short: bool = True) -> None:
        """Take the arguments of ``spec`` and call ``done`` with them.

        In ``spec`` stand * for a star, r and o for arguments that are taken as they are written, { and [ for those that
        are read, ( for one in parentheses, w for a word or an argument.
        """
        for index, kind in enumerate(spec):
            if self.forced:
                got = (*got, "")
                continue
            if kind in "{[":
                self.stack.skip_spaces()
                next_token = self.stack.peek()
                if kind == "{" and next_token and next_token not in ("{", "}") and not is_paragraph_end(next_token):
                    self.stack.push(["{", *self.stack.group(), "}"])
                if self.stack.peek() == kind:
                    self.stack.pop()
                    self._read_argument(kind, spec[index + 1 :], done, got, short)
                    return
                got = (*got, "")
            else:
                got = (*got, self.raw(kind))
        done(*got)

    def _read_argument(
        self, kind: str, rest: str, done: Callable[..., None], got: tuple[str, ...], short: bool
    ) -> None:
        """Begin the frame of an argument, after which those of ``rest`` are taken."""

        def close(text: str) -> None:
            self.arguments(rest, done, (*got, text.strip()), short)

        self.frames.append(Frame("arg" if kind == "{" else "opt", close=close, short=short or kind == "["))

    def raw(self, kind: str) -> str:
        """Take one argument of a kind other than { and [ as it is written."""
        if kind == "*":
            return "*" if self.stack.take_star() else ""
        if kind == "w":
            self.stack.skip_spaces()
            if self.stack.peek()[:1] not in ("{", "}", "\\", ""):
                return self.stack.pop()
        opening = {"o": "[", "(": "("}.get(kind)
        tokens = self.stack.bracketed(opening, {"[": "]", "(": ")"}[opening]) if opening else self.stack.group()
        return "".join(token.lstrip(LITERAL) for token in tokens or ())
