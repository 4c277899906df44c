"""LaTeX, read with pylatexenc: sections as headings, tables as tables, listings in fences, the rest as plain words."""

from __future__ import annotations

import re
from functools import cache, partial

from pylatexenc import latex2text, latexwalker
from pylatexenc.latex2text import EnvironmentTextSpec, LatexNodes2Text, MacroTextSpec, SpecialsTextSpec
from pylatexenc.latexwalker import LatexNode
from pylatexenc.macrospec import LatexContextDb, std_environment, std_macro

from core.errors import WrongFileType
from core.loading._detection import damaged_file, reject_other_format
from core.loading._encoding import clean_text, decode
from core.loading._markdown import markdown_document, markdown_table
from core.loading._metadata import file_metadata
from core.records.document import Document

# Private characters that mark the ends of cells and rows and the places of listings in pylatexenc's output.
_CELL, _ROW, _LISTING, _LISTING_END = "\ue000", "\ue001", "\ue002", "\ue003"
_SECTION_LEVELS = {"part": 1, "chapter": 1, "section": 2, "subsection": 3, "subsubsection": 4, "paragraph": 5}
# Environments and commands with their arguments in pylatexenc's notation: { for a mandatory one, [ for an optional one.
_TABLES = {"tabular": "{", "tabular*": "{{", "tabularx": "{[{", "tabulary": "{{", "longtable": "[{", "array": "[{"}
_OMITTED = {
    "setlength": "{{", "addtolength": "{{", "pagestyle": "{", "thispagestyle": "{", "bibliography": "{",
    "bibliographystyle": "{", "addcontentsline": "{{{", "setcounter": "{{", "graphicspath": "{", "maketitle": "",
    "tableofcontents": "", "hypersetup": "{", "ref": "{", "cref": "{", "autoref": "{", "pageref": "{", "eqref": "{",
    "title": "[{", "author": "[{", "date": "{", "renewcommand": "{[[{", "definecolor": "{{{", "label": "{",
}  # fmt: skip
_LAST_ARGUMENT = {"hypertarget": "{{", "hyperlink": "{{", "multicolumn": "{{{", "multirow": "{{{"}
_CITATIONS = ("cite", "citet", "citep", "citealt", "citealp", "textcite", "parencite", "autocite")
_COMMENT = re.compile(r"(?<!\\)((?:\\\\)*)%[^\n]*")
_BODY = re.compile(r"\\begin\s*\{document\}(.*?)(?:\\end\s*\{document\}|\Z)", re.DOTALL)
_CODE = re.compile(
    r"\\begin\{(verbatim\*?|Verbatim|lstlisting|minted)\}(?:\[[^\]\n]*\])?(?:(?<=minted\})\{[^}\n]*\})?[ \t]*\n?"
    r"(.*?)\\end\{\1\}",
    re.DOTALL,
)
_RULE = re.compile(r"\\(?:cmidrule|cline)(?:\([^)]*\))?(?:\[[^\]]*\])?\{[^}]*\}")
_COMMAND = re.compile(r"\\(?:documentclass|begin|section|chapter|[a-zA-Z]+\s*\{|[a-zA-Z]{2,}|[\\%&$#_{}\"'`^~=.(\[])")
# What pylatexenc raises on broken files: its own errors, Python's where it uses an argument that is missing, and
# RecursionError for deep nesting.
_PYLATEXENC_ERRORS = (
    latexwalker.LatexWalkerError, ValueError, LookupError, TypeError, AttributeError, RecursionError,
)  # fmt: skip


def load_latex(name: str, data: bytes) -> Document:
    """Return a LaTeX file's text as Markdown; the files that it includes are not read. Raises LoadingError."""
    reject_other_format(name, data, "LaTeX")
    decoded = decode(name, data)
    source = re.sub("[\ue000-\ue003]", "", clean_text(decoded.text))
    if not _COMMAND.search(source):
        raise WrongFileType(f"{name} is not LaTeX, it has no commands: rename it to .txt if it is text")
    body = _BODY.search(source)
    preamble = _COMMENT.sub(r"\1", source[: body.start()] if body else source)
    try:
        title, author, date = (_plain_text(_argument(preamble, key)).strip() for key in ("title", "author", "date"))
        text = _markdown(body[1] if body else source)
    except _PYLATEXENC_ERRORS as error:
        raise damaged_file(name, f"its commands cannot be followed: {type(error).__name__}") from error
    title = " ".join(title.split())
    metadata = file_metadata(title, re.sub(r"\s*\n\s*", ", ", author), date)
    text = f"# {title}\n\n{text}" if title else text
    return markdown_document(name, data, text, metadata, notes=decoded.notes)


def _argument(source: str, command: str) -> str:
    r"""Return what is between the braces of the first ``\command{...}``, empty if there is none."""
    match = re.search(rf"\\{command}\s*(?:\[[^\]]*\])?\s*\{{", source)
    depth = 1
    for index in range(match.end(), len(source)) if match else ():
        if source[index - 1] != "\\":
            depth += {"{": 1, "}": -1}.get(source[index], 0)
        if match and not depth:
            return source[match.end() : index]
    return ""


def _markdown(body: str) -> str:
    listings: list[str] = []

    def take_listing(match: re.Match[str]) -> str:
        listings.append(match[2].rstrip())
        return f"\n\n{_LISTING}{len(listings) - 1}{_LISTING_END}\n\n"

    text = _plain_text(_RULE.sub("", _CODE.sub(take_listing, body)))
    text = "\n".join(re.sub(" {2,}", " ", line.strip()) for line in text.split("\n"))
    text = re.sub(rf"{_LISTING}(\d+){_LISTING_END}", lambda match: f"```\n{listings[int(match[1])]}\n```", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _plain_text(source: str) -> str:
    parser_context, text_context = _contexts()
    walker = latexwalker.LatexWalker(source, latex_context=parser_context, tolerant_parsing=True)
    nodes, _, _ = walker.get_latex_nodes()
    text = str(LatexNodes2Text(latex_context=text_context).nodelist_to_text(nodes))
    return text.replace(_CELL, "").replace(_ROW, "\n")


@cache
def _contexts() -> tuple[LatexContextDb, LatexContextDb]:
    """Return the known commands and environments: how they are parsed, and the text that replaces them."""
    arguments = {**_OMITTED, **_LAST_ARGUMENT, **dict.fromkeys(_CITATIONS, "*[[{"), "bibitem": "[{"}
    environments = {**_TABLES, "minipage": "[{", "thebibliography": "{"}
    parser_context = latexwalker.get_default_latex_context_db()
    parser_context.add_context_category(
        "rankscope",
        macros=[std_macro(name, spec) for name, spec in arguments.items()],
        environments=[std_environment(name, spec) for name, spec in environments.items()],
        prepend=True,
    )
    replacements = {
        **{name: partial(_heading, level) for name, level in _SECTION_LEVELS.items()},
        **dict.fromkeys(_OMITTED, ""),
        **dict.fromkeys(_LAST_ARGUMENT, partial(_last_argument, "{}")),
        **dict.fromkeys(_CITATIONS, partial(_last_argument, "[{}]")),
        "footnote": partial(_last_argument, " [{}]"),
        "caption": partial(_last_argument, "\n\n{}\n\n"),
        "url": "%s",
        "item": _item,
        "\\": _ROW,
        "includegraphics": "",
        "bibitem": "\n* ",
    }
    text_context = latex2text.get_default_latex_context_db()
    text_context.add_context_category(
        "rankscope",
        macros=[MacroTextSpec(name, replacement) for name, replacement in replacements.items()],
        environments=[EnvironmentTextSpec(name, _table) for name in _TABLES],
        specials=[SpecialsTextSpec("&", _CELL)],
        prepend=True,
    )
    return parser_context, text_context


# pylatexenc passes itself to the functions below by the name of their parameter ``l2tobj``.
def _last_argument(template: str, node: LatexNode, l2tobj: LatexNodes2Text) -> str:
    """Return the text of a command's last argument in the template, empty if it has none."""
    arguments = node.nodeargd.argnlist if node.nodeargd else None
    text = l2tobj.nodelist_to_text([arguments[-1]]).strip() if arguments else ""
    return template.format(text) if text else ""


def _heading(level: int, node: LatexNode, l2tobj: LatexNodes2Text) -> str:
    title = " ".join(_last_argument("{}", node, l2tobj).replace(_ROW, " ").split())
    return f"\n\n{'#' * level} {title}\n\n" if title else ""


def _item(node: LatexNode, l2tobj: LatexNodes2Text) -> str:
    label = _last_argument("{}", node, l2tobj)
    return f"\n* {label} " if label else "\n* "


def _table(node: LatexNode, l2tobj: LatexNodes2Text) -> str:
    rows = l2tobj.nodelist_to_text(node.nodelist).split(_ROW)
    return f"\n\n{markdown_table([row.split(_CELL) for row in rows])}\n\n"
