r"""LaTeX commands that a file defines: \newcommand, \def, \let, \newenvironment, \NewDocumentCommand and their kin.

A command is expanded as TeX does it, by putting its tokens in place of it, so that halves of environments
(``\be`` for ``\begin{equation}``) and other pieces that stand for nothing on their own work.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.loading.latex._tokens import LITERAL

OPEN, CLOSE, PARAGRAPH = "{", "}", "\\par"
NO_VALUE = LITERAL + "-NoValue-"
TRUE, FALSE = LITERAL + "-True-", LITERAL + "-False-"
_MAX_EXPANSIONS = 100_000
_MAX_CHAIN = 2_000  # expansions of what one command of the source stands for
_MAX_TOKENS = 300_000  # that expansions may add, and in a longer file 20 for each of its tokens
_LONGEST_ARGUMENT = 50_000  # tokens
_SHORT_ARGUMENT = 300  # after arguments did not end several times
_MAX_FAILURES = 20
_PARAMETER = re.compile(r"#([1-9])")


def is_paragraph_end(token: str) -> bool:
    """Return whether a token ends a paragraph."""
    return token == PARAGRAPH or (token.isspace() and token.count("\n") > 1)


@dataclass(frozen=True)
class Parameter:
    """One parameter: ``kind`` as in xparse (m o s r d v t e), or "until" for one that ends with ``delimiter``."""

    kind: str
    default: tuple[str, ...] = (NO_VALUE,)
    delimiter: tuple[str, ...] = ()


@dataclass(frozen=True)
class Macro:
    """A command or the beginning of an environment, with the tokens that take its place."""

    body: tuple[str, ...]
    parameters: tuple[Parameter, ...] = ()
    end: tuple[str, ...] = ()  # of an environment


class TokenStack:
    """The tokens that are still to be read; what a command stands for is put in front of them."""

    def __init__(self, tokens: Iterable[str]) -> None:
        self._tokens = list(tokens)[::-1]
        self._expansions = self._added = self._failures = self._chain = 0
        self._max_tokens = max(_MAX_TOKENS, 20 * len(self._tokens))
        self._unread = len(self._tokens)  # of the source itself
        self._endless: set[int] = set()  # macros that stand for themselves
        self.exhausted = False  # whether commands stood for more than is followed

    def __bool__(self) -> bool:
        return bool(self._tokens)

    def pop(self) -> str:
        """Return the next token."""
        return self._tokens.pop()

    def peek(self) -> str:
        """Return the next token without taking it, empty at the end."""
        return self._tokens[-1] if self._tokens else ""

    def starts_empty_group(self) -> bool:
        """Return whether {} comes next."""
        return self._tokens[-2:] == [CLOSE, OPEN]

    def push(self, tokens: Sequence[str]) -> None:
        """Put tokens in front of those to be read."""
        self._tokens.extend(reversed(tokens))

    def clear(self) -> None:
        """Forget what is left."""
        self._tokens.clear()

    def skip_spaces(self) -> None:
        """Pass over white space, but not over the end of a paragraph."""
        while self._tokens and self._tokens[-1].isspace() and not is_paragraph_end(self._tokens[-1]):
            self._tokens.pop()

    def expand(self, macro: Macro) -> bool:
        """Put the macro's tokens in front, with its arguments; return False where it is followed no further."""
        self._expansions += 1
        self._chain += 1
        if len(self._tokens) < self._unread:
            self._unread, self._chain = len(self._tokens), 0
        if id(macro) in self._endless:
            return False
        if self._chain > _MAX_CHAIN or self._expansions > _MAX_EXPANSIONS or self._added > self._max_tokens:
            self.exhausted = True
            self._endless.add(id(macro))
            return False
        arguments = [self.argument(parameter) for parameter in macro.parameters]
        tokens = substitute(macro.body, arguments)
        self._added += len(tokens)
        self.push(tokens)
        return True

    def argument(self, parameter: Parameter) -> list[str]:
        """Take one argument, without its braces."""
        kind = parameter.kind
        if kind == "until":
            return self._until(parameter.delimiter)
        if kind == "s":
            return [TRUE] if self.take_star() else [FALSE]
        if kind == "t":
            found = self.peek().startswith(parameter.delimiter)
            if found:
                self._take_prefix(parameter.delimiter[0])
            return [TRUE if found else FALSE]
        if kind in "od":
            opening, closing = parameter.delimiter or ("[", "]")
            group = self.bracketed(opening, closing)
            return list(parameter.default) if group is None else group
        return self.group()

    def take_star(self) -> bool:
        """Take a star that follows at once, and return whether there is one."""
        if not self.peek().startswith("*"):
            return False
        self._take_prefix("*")
        return True

    def _take_prefix(self, prefix: str) -> None:
        rest = self.pop()[len(prefix) :]
        if rest:
            self.push([rest])

    def group(self) -> list[str]:
        """Take the tokens between braces, or the one token or character that comes next; none where that is impossible.

        Braces that do not end are left as they are.
        """
        self.skip_spaces()
        token = self.peek()
        if not token or token == CLOSE or is_paragraph_end(token):
            return []
        if token != OPEN:
            token = self.pop()
            if token[0] not in "\\\x01\x02#" and len(token) > 1:
                self.push([token[1:]])
                token = token[0]
            return [token]
        return self._balanced("{", "}") or []

    def bracketed(self, opening: str = "[", closing: str = "]") -> list[str] | None:
        """Take an optional argument, None if there is none."""
        spaces = []
        while self.peek().isspace() and not is_paragraph_end(self.peek()):
            spaces.append(self.pop())
        if not self.peek().startswith(opening):
            self.push(spaces)
            return None
        if len(self.peek()) > len(opening):
            self.push([opening, self.pop()[len(opening) :]])
        return self._balanced(opening, closing)

    def _limit(self) -> int:
        return _LONGEST_ARGUMENT if self._failures < _MAX_FAILURES else _SHORT_ARGUMENT

    def _balanced(self, opening: str, closing: str) -> list[str] | None:
        taken = [self.pop()]
        braces = 0
        for _ in range(self._limit()):
            if not self._tokens:
                break
            token = self.pop()
            taken.append(token)
            if opening != "{" and not braces and token[0] not in "\\\x01\x02" and closing in token:
                before, _, after = token.partition(closing)
                if after:
                    self.push([after])
                return [*taken[1:-1], *([before] if before else [])]
            if opening != "{" and (is_paragraph_end(token) or (token == CLOSE and not braces)):
                break
            if token == OPEN:
                braces += 1
            elif token == CLOSE:
                if opening == "{" and not braces:
                    return taken[1:-1]
                braces -= 1
        self._failures += 1
        self.push(taken[1:] if opening == "{" else taken)
        return None

    def _until(self, delimiter: tuple[str, ...]) -> list[str]:
        taken: list[str] = []
        braces = 0
        for _ in range(self._limit()):
            if not self._tokens or is_paragraph_end(self._tokens[-1]):
                break
            token = self.pop()
            if not braces and token == delimiter[0]:
                return taken
            if not braces and token[0] not in "\\\x01\x02" and delimiter[0][0] != "\\" and delimiter[0] in token:
                before, _, after = token.partition(delimiter[0])
                self.push([after] if after else [])
                return [*taken, *([before] if before else [])]
            braces += (token == OPEN) - (token == CLOSE)
            taken.append(token)
        self._failures += 1
        self.push(taken)
        return []


def substitute(body: Sequence[str], arguments: Sequence[Sequence[str]]) -> list[str]:
    """Return the tokens of a definition with the arguments in place of ``#1`` and so on."""
    tokens: list[str] = []
    for token in body:
        if token[0] != "#":
            tokens.append(token)
        elif token.startswith("##"):
            tokens.append(token[1:])
        else:
            match = _PARAMETER.fullmatch(token)
            number = int(match[1]) if match else 0
            tokens += arguments[number - 1] if 0 < number <= len(arguments) else []
    return tokens


class Definitions:
    """The commands, environments and switches that a file defines."""

    def __init__(self, kept: Iterable[str]) -> None:
        self.macros: dict[str, Macro] = {}
        self.environments: dict[str, Macro] = {}
        self.theorems: dict[str, str] = {}
        self.switches: dict[str, bool] = {"iftrue": True, "iffalse": False}
        self._kept = set(kept)  # commands whose meaning is known, so that a new one is not followed

    def read(self, command: str, stack: TokenStack) -> bool:
        """Read a definition after its ``command``; return whether it is one."""
        reader = _READERS.get(command)
        if reader is None:
            return False
        reader(self, stack)
        return True

    def add(self, name: str, macro: Macro) -> None:
        """Define a command, unless it is one whose meaning is known."""
        name = name.removeprefix("\\")
        if name and name not in self._kept and name not in _READERS:
            self.macros[name] = macro

    def _new_command(self, stack: TokenStack) -> None:
        stack.take_star()
        name = "".join(stack.group()).strip()
        parameters = _counted_parameters(stack)
        stack.skip_spaces()
        self.add(name, Macro(tuple(stack.group()), parameters))

    def _new_environment(self, stack: TokenStack) -> None:
        stack.take_star()
        name = "".join(stack.group()).strip()
        parameters = _counted_parameters(stack)
        begin, end = tuple(stack.group()), tuple(stack.group())
        if name not in self._kept:
            self.environments[name] = Macro(begin, parameters, end)

    def _document_command(self, stack: TokenStack) -> None:
        name = "".join(stack.group()).strip()
        parameters = _xparse_parameters(stack.group())
        self.add(name, Macro(tuple(stack.group()), parameters))

    def _document_environment(self, stack: TokenStack) -> None:
        name = "".join(stack.group()).strip()
        parameters = _xparse_parameters(stack.group())
        begin, end = tuple(stack.group()), tuple(stack.group())
        if name not in self._kept:
            self.environments[name] = Macro(begin, parameters, end)

    def _define(self, stack: TokenStack) -> None:
        stack.skip_spaces()
        name = stack.pop() if stack else ""
        text: list[str] = []
        while stack and stack.peek() != "{" and len(text) < 50:
            if is_paragraph_end(stack.peek()):
                return
            text.append(stack.pop())
        body = tuple(stack.group())
        if name.startswith("\\"):
            self.add(name, Macro(body, _delimited_parameters(text)))

    def _let(self, stack: TokenStack) -> None:
        stack.skip_spaces()
        name = stack.pop() if stack else ""
        stack.skip_spaces()
        if stack.peek().startswith("="):
            stack.argument(Parameter("t", delimiter=("=",)))
            stack.skip_spaces()
        meaning = stack.group()
        old = self.macros.get(meaning[0].removeprefix("\\")) if meaning else None
        if name.startswith("\\") and meaning and meaning[0] != name:
            self.add(name, old or Macro(tuple(meaning)))

    def _operator(self, stack: TokenStack) -> None:
        stack.take_star()
        name = "".join(stack.group()).strip()
        self.add(name, Macro((*stack.group(), "\\,")))  # as far from what follows as sin from x

    def _delimiters(self, stack: TokenStack) -> None:
        name = "".join(stack.group()).strip()
        left, right = stack.group(), stack.group()
        self.add(name, Macro((*left, "#1", *right), (Parameter("s"), Parameter("o"), Parameter("m"))[2:]))

    def _theorem(self, stack: TokenStack) -> None:
        stack.take_star()
        name = "".join(stack.group()).strip()
        stack.bracketed()
        title = "".join(token for token in stack.group() if token[0] not in "\\{}")
        stack.bracketed()
        self.theorems[name] = title.strip()

    def _switch(self, stack: TokenStack) -> None:
        stack.skip_spaces()
        name = "".join(stack.group()).removeprefix("\\if")
        if name:
            self.switches[f"if{name}"] = False


def _counted_parameters(stack: TokenStack) -> tuple[Parameter, ...]:
    """Take ``[2][default]`` after the name of a new command."""
    number = "".join(stack.bracketed() or "").strip()
    count = min(int(number), 9) if number.isdecimal() and len(number) < 4 else 0
    default = stack.bracketed() if count else None
    while default is not None and stack.peek() == "[":
        stack.bracketed()
    first = [] if default is None else [Parameter("o", tuple(default))]
    return (*first, *[Parameter("m")] * (count - len(first)))


def _xparse_parameters(tokens: list[str]) -> tuple[Parameter, ...]:
    """Return the parameters of an argument specification such as ``s O{left} m``."""
    stack = TokenStack(tokens)
    parameters: list[Parameter] = []
    while stack and len(parameters) < 9:
        token = stack.pop()
        if token.isspace() or token[0] in "+!>":
            if token[0] == ">":
                stack.group()
            elif not token.isspace() and token[1:]:
                stack.push([token[1:]])
            continue
        kind, rest = token[0], token[1:]
        if rest:
            stack.push([rest])
        if kind in "oO":
            parameters.append(Parameter("o", tuple(stack.group()) if kind == "O" else (NO_VALUE,)))
        elif kind in "rRdD":
            opening, closing = "".join(stack.group()), "".join(stack.group())
            default = tuple(stack.group()) if kind in "RD" else (NO_VALUE,)
            parameters.append(Parameter("d", default, (opening or "(", closing or ")")))
        elif kind == "t":
            parameters.append(Parameter("t", delimiter=("".join(stack.group()) or "*",)))
        elif kind == "s":
            parameters.append(Parameter("s"))
        elif kind in "mvbl":
            parameters.append(Parameter("m"))
        elif kind in "eE":
            stack.group()
    return tuple(parameters)


def _delimited_parameters(text: list[str]) -> tuple[Parameter, ...]:
    r"""Return the parameters of ``\def``, each with the token that ends it."""
    parameters: list[Parameter] = []
    for index, token in enumerate(text):
        if token[0] == "#":
            following = text[index + 1] if index + 1 < len(text) else ""
            delimiter = following if following and following[0] != "#" else ""
            parameters.append(Parameter("until", delimiter=(delimiter,)) if delimiter else Parameter("m"))
    return tuple(parameters[:9])


_READERS = {
    **dict.fromkeys(
        ("newcommand", "renewcommand", "providecommand", "DeclareRobustCommand", "newrobustcmd", "renewrobustcmd",
         "newcommandx", "renewcommandx", "providerobustcmd", "DeclareTextFontCommand"),
        Definitions._new_command,
    ),
    **dict.fromkeys(("newenvironment", "renewenvironment", "provideenvironment"), Definitions._new_environment),
    **dict.fromkeys(
        ("NewDocumentCommand", "RenewDocumentCommand", "ProvideDocumentCommand", "DeclareDocumentCommand",
         "NewExpandableDocumentCommand"),
        Definitions._document_command,
    ),
    **dict.fromkeys(
        ("NewDocumentEnvironment", "RenewDocumentEnvironment", "DeclareDocumentEnvironment"),
        Definitions._document_environment,
    ),
    **dict.fromkeys(("def", "gdef", "edef", "xdef"), Definitions._define),
    "let": Definitions._let,
    "DeclareMathOperator": Definitions._operator,
    "DeclarePairedDelimiter": Definitions._delimiters,
    "newtheorem": Definitions._theorem,
    "newif": Definitions._switch,
}  # fmt: skip
