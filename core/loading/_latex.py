"""LaTeX: the words of a document, its sections as headings, its tables as tables, its listings in fences."""

from __future__ import annotations

import re
from functools import cache, partial
from typing import Any

from pylatexenc import latex2text, latexwalker
from pylatexenc.latex2text import EnvironmentTextSpec, LatexNodes2Text, MacroTextSpec, SpecialsTextSpec
from pylatexenc.macrospec import std_environment, std_macro

from core.errors import WrongFileType
from core.loading._detection import damaged_file, reject_other_format
from core.loading._markdown import markdown_table
from core.loading._metadata import file_metadata
from core.loading._office import markdown_document
from core.loading._text import clean_text, decode
from core.records.document import Document

# Private characters that stand for what Markdown writes otherwise, until the words are there.
_CELL, _ROW, _LISTING, _END = "\ue000", "\ue001", "\ue002", "\ue003"
_LEVELS = {"part": 1, "chapter": 1, "section": 2, "subsection": 3, "subsubsection": 4, "paragraph": 5}
_TABLES = {"tabular": "{", "tabular*": "{{", "tabularx": "{[{", "tabulary": "{{", "longtable": "[{", "array": "[{"}
_SILENT = {
    "setlength": "{{", "addtolength": "{{", "pagestyle": "{", "thispagestyle": "{", "bibliography": "{", "bibliographystyle": "{", "addcontentsline": "{{{",
    "setcounter": "{{", "graphicspath": "{", "maketitle": "", "tableofcontents": "", "hypersetup": "{", "ref": "{", "cref": "{", "autoref": "{", "pageref": "{",
    "title": "[{", "author": "[{", "date": "{", "renewcommand": "{[[{", "definecolor": "{{{", "label": "{",
}  # fmt: skip
_SAID = {
    "hypertarget": ("{{", 2),
    "hyperlink": ("{{", 2),
    "multicolumn": ("{{{", 3),
    "multirow": ("{{{", 3),
    "eqref": ("{", 0),
}
_CITES = ("cite", "citet", "citep", "citealt", "citealp", "textcite", "parencite", "autocite")
_COMMENT = re.compile(r"(?<!\\)((?:\\\\)*)%[^\n]*")
_BODY = re.compile(r"\\begin\s*\{document\}(.*?)(?:\\end\s*\{document\}|\Z)", re.DOTALL)
_CODE = re.compile(
    r"\\begin\{(verbatim\*?|Verbatim|lstlisting|minted)\}(?:\[[^\]\n]*\])?(?:(?<=minted\})\{[^}\n]*\})?[ \t]*\n?(.*?)\\end\{\1\}",
    re.DOTALL,
)
_RULES = re.compile(r"\\(?:cmidrule|cline)(?:\([^)]*\))?(?:\[[^\]]*\])?\{[^}]*\}")
_COMMAND = re.compile(r"\\(?:documentclass|begin|section|chapter|[a-zA-Z]+\s*\{|[a-zA-Z]{2,}|[\\%&$#_{}\"'`^~=.(\[])")
# of pylatexenc on broken files
_TROUBLE = (latexwalker.LatexWalkerError, ValueError, LookupError, TypeError, AttributeError, RecursionError)


def load_latex(name: str, data: bytes) -> Document:
    """Return a LaTeX file's text as Markdown; files that it includes are documents of their own. Raises LoadingError."""
    reject_other_format(name, data, "LaTeX")
    source = re.sub("[\ue000-\ue003]", "", clean_text(decode(name, data)))
    if not _COMMAND.search(source):
        raise WrongFileType(f"{name} is not LaTeX, it has no commands: rename it to .txt if it is text")
    body = _BODY.search(source)
    preamble = _COMMENT.sub(r"\1", source[: body.start()] if body else source)
    try:
        said = {what: _words(_argument(preamble, what)).strip() for what in ("title", "author", "date")}
        text = _markdown(body[1] if body else source)
    except _TROUBLE as error:
        raise damaged_file(name, f"its commands cannot be followed: {type(error).__name__}") from error
    title = " ".join(said["title"].split())
    metadata = file_metadata(title, re.sub(r"\s*\n\s*", ", ", said["author"]), said["date"])
    return markdown_document(name, data, f"# {title}\n\n{text}" if title else text, metadata)


def _argument(source: str, command: str) -> str:
    """What stands between the braces of the first ``\\command{...}``, empty where there is none."""
    found = re.search(rf"\\{command}\s*(?:\[[^\]]*\])?\s*\{{", source)
    depth, at = 1, found.end() if found else 0
    while found and depth and at < len(source):
        depth += {"{": 1, "}": -1}.get(source[at], 0) if source[at - 1] != "\\" else 0
        at += 1
    return source[found.end() : at - 1] if found and not depth else ""


def _markdown(body: str) -> str:
    listings: list[str] = []

    def kept(found: re.Match[str]) -> str:
        listings.append(found[2].rstrip())
        return f"\n\n{_LISTING}{len(listings) - 1}{_END}\n\n"

    text = _words(_RULES.sub("", _CODE.sub(kept, body)))
    text = "\n".join(re.sub(" {2,}", " ", line.strip()) for line in text.split("\n"))
    text = re.sub(rf"{_LISTING}(\d+){_END}", lambda found: f"```\n{listings[int(found[1])]}\n```", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _words(source: str) -> str:
    walker, texts = _contexts()
    nodes, _, _ = latexwalker.LatexWalker(source, latex_context=walker, tolerant_parsing=True).get_latex_nodes()
    text = str(LatexNodes2Text(latex_context=texts).nodelist_to_text(nodes))
    return text.replace(_CELL, "").replace(_ROW, "\n")


@cache
def _contexts() -> tuple[Any, Any]:
    """The commands that are known: how they are parsed, and how they read."""
    walker = latexwalker.get_default_latex_context_db()
    silent = [std_macro(name, spec) for name, spec in _SILENT.items()]
    said = [std_macro(name, spec) for name, (spec, _) in _SAID.items()]
    cites = [std_macro(name, "*[[{") for name in _CITES]
    tables = [std_environment(name, spec) for name, spec in _TABLES.items()]
    blocks = [std_environment("minipage", "[{"), std_environment("thebibliography", "{")]
    walker.add_context_category(
        "rankscope",
        macros=[*silent, *said, *cites, std_macro("bibitem", "[{")],
        environments=[*tables, *blocks],
        prepend=True,
    )
    texts = latex2text.get_default_latex_context_db()
    macros = [MacroTextSpec(name, partial(_heading, level)) for name, level in _LEVELS.items()]
    macros += [MacroTextSpec(name, "") for name in _SILENT]
    macros += [MacroTextSpec(name, partial(_last, "{}") if at else "") for name, (_, at) in _SAID.items()]
    macros += [MacroTextSpec(name, partial(_last, "[{}]")) for name in _CITES]
    macros += [
        MacroTextSpec("footnote", partial(_last, " [{}]")),
        MacroTextSpec("caption", partial(_last, "\n\n{}\n\n")),
        MacroTextSpec("url", "%s"),
    ]
    macros += [
        MacroTextSpec("item", _item),
        MacroTextSpec("\\", _ROW),
        MacroTextSpec("includegraphics", ""),
        MacroTextSpec("bibitem", "\n* "),
    ]
    environments = [EnvironmentTextSpec(name, _table) for name in _TABLES]
    texts.add_context_category(
        "rankscope", macros=macros, environments=environments, specials=[SpecialsTextSpec("&", _CELL)], prepend=True
    )
    return walker, texts


def _last(form: str, node: Any, l2tobj: Any) -> str:
    """A command's last argument."""
    arguments = node.nodeargd.argnlist if node.nodeargd else None
    words = l2tobj.nodelist_to_text([arguments[-1]]) if arguments else ""
    return form.format(words.strip()) if words.strip() else ""


def _heading(level: int, node: Any, l2tobj: Any) -> str:
    title = " ".join(_last("{}", node, l2tobj).replace(_ROW, " ").split())
    return f"\n\n{'#' * level} {title}\n\n" if title else ""


def _item(node: Any, l2tobj: Any) -> str:
    label = _last("{}", node, l2tobj)
    return f"\n* {label} " if label else "\n* "


def _table(node: Any, l2tobj: Any) -> str:
    rows = l2tobj.nodelist_to_text(node.nodelist).split(_ROW)
    return f"\n\n{markdown_table([row.split(_CELL) for row in rows])}\n\n"
