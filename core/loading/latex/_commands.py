"""What LaTeX's own commands stand for: symbols, accents, and commands whose arguments are no words."""

from __future__ import annotations

import unicodedata
from functools import cache

from pylatexenc.latex2text import MacroTextSpec, get_default_latex_context_db

SECTION_LEVELS = {
    "part": 1, "chapter": 1, "section": 2, "subsection": 3, "subsubsection": 4, "paragraph": 5, "subparagraph": 6,
    "frametitle": 4, "addchap": 1, "addsec": 2, "lecture": 2,
}  # fmt: skip
# Commands with arguments that are no words of the text: * a star, r one in braces, o one in brackets that may be left
# out, ( one in parentheses.
DROPPED = {
    **dict.fromkeys(
        ("label", "pagestyle", "thispagestyle", "bibliographystyle", "vspace", "hspace", "pagenumbering",
         "hypersetup", "graphicspath", "ref", "cref", "Cref", "autoref", "pageref", "eqref", "vref", "nameref",
         "cpageref", "index", "glossary", "usetikzlibrary", "pgfplotsset", "tikzset", "column", "lstset", "newlength",
         "newcounter", "stepcounter", "refstepcounter", "phantom", "hphantom", "vphantom", "nocite",
         "selectlanguage", "foreignlanguage", "fontfamily", "fontseries", "fontshape", "hyphenation",
         "linespread", "captionsetup", "usetheme", "usecolortheme", "usefonttheme", "setbeamertemplate",
         "enlargethispage", "hypertarget", "hyperlink", "phantomsection", "includeonly", "raisebox", "scalebox",
         "rotatebox", "textcolor", "value", "arabic", "roman", "alph", "Roman", "Alph", "usefont",
         "sisetup", "DeclareGraphicsExtensions", "geometry", "theoremstyle", "urlstyle", "setmainfont",
         "setsansfont", "setmonofont", "setlist", "hyperpage", "usecounter", "bibitemdeclare", "RequirePackage",
         "PassOptionsToPackage", "ProvidesPackage", "ProvidesFile", "sbox", "usebox", "newsavebox",
         "resetcounteronoverlays", "transduration", "DeclareUnicodeCharacter", "addtocontents", "cline",
         "counterwithin", "numberwithin", "special", "write", "openout", "noalign", "crefname", "Crefname",
         "excludecomment", "includecomment", "newlist", "DeleteShortVerb", "markright", "GenericError"),
        "*or",
    ),
    **dict.fromkeys(("usepackage", "documentclass", "LoadClass", "color", "pagecolor", "rowcolor", "cellcolor",
                     "columncolor", "bibliographyunit"), "*oroo"),
    **dict.fromkeys(("setlength", "addtolength", "setcounter", "addtocounter", "fontsize", "resizebox",
                     "settowidth", "DeclareOption", "newtcolorbox", "newfontfamily", "setkeys", "markboth",
                     "setmathfont", "lstdefinestyle", "colorlet", "setbeamercolor", "setbeamerfont",
                     "rule", "AtBeginSection", "crefrangelabelformat",
                     "resizebox*", "newglossarystyle", "defcaptionname"), "*orro"),
    **dict.fromkeys(("addcontentsline", "definecolor", "specialrule"), "orrr"),
    **dict.fromkeys(("makebox", "framebox", "linebreak", "pagebreak", "nolinebreak", "nopagebreak",
                     "addlinespace", "tableofcontents", "listoffigures", "listoftables", "printbibliography",
                     "printindex", "titlepage", "makecvtitle", "makelettertitle", "toprule", "midrule", "bottomrule",
                     "pause",
                     "maketitle", "centering", "raggedright", "newpage", "clearpage"), "oo"),
    **dict.fromkeys(("cmidrule",), "(or"),
    **dict.fromkeys(("put", "multiput"), "(("),
    "colorbox": "or", "fcolorbox": "orr", "ifthenelse": "r", "IfFileExists": "r", "hline": "",
    "lstnewenvironment": "roorr", "DefineVerbatimEnvironment": "rrr", "newminted": "orr",
    "newtcblisting": "orooor", "parbox": "ooor", "adjustbox": "r", "hyperref": "o",
}  # fmt: skip
# Environments with arguments that are no words.
ENVIRONMENT_ARGUMENTS = {
    "minipage": "ooor", "thebibliography": "r", "multicols": "r", "multicols*": "r", "wrapfigure": "oror",
    "wraptable": "oror", "adjustwidth": "rr", "spacing": "r", "column": "or", "columns": "o", "subfigure": "oor",
    "subtable": "oor", "otherlanguage": "or", "otherlanguage*": "or", "list": "rr", "CJK": "orr", "CJK*": "orr",
    "textblock": "r(", "adjustbox": "r", "enumerate": "o", "itemize": "o", "description": "o", "figure": "o",
    "table": "o", "figure*": "o", "table*": "o", "floatingfigure": "or", "sidewaystable": "o", "sidewaysfigure": "o",
    "alignat": "r", "alignat*": "r", "alignedat": "or", "aligned": "o", "gathered": "o", "split": "", "SCfigure": "oo",
    "letter": "", "document": "", "overpic": "or", "savenotes": "", "lrbox": "r", "tabbing": "", "pmatrix*": "o",
    "bmatrix*": "o", "overprint": "o", "beamercolorbox": "or", "Highlighting": "o", "Shaded": "", "CSLReferences": "rr",
    "refsection": "o", "acronym": "o", "multline": "", "equation": "", "align": "", "gather": "", "math": "",
    "displaymath": "",
    "eqnarray": "", "flushleft": "", "center": "", "quote": "", "titlepage": "", "appendices": "", "landscape": "",
}  # fmt: skip
# Tables: the arguments before their cells.
TABLES = {
    "tabular": "or", "tabular*": "ror", "tabularx": "ror", "tabulary": "ror", "longtable": "or", "array": "or",
    "tabu": "r", "longtabu": "r", "supertabular": "r", "xltabular": "orr", "tblr": "or", "longtblr": "or",
    "mpsupertabular": "r", "xtabular": "r", "NiceTabular": "or", "tabularray": "or", "longtable*": "or",
}  # fmt: skip
# Commands whose arguments are text that is printed apart from what stands around it: which they are, and the text.
TEMPLATES = {
    **dict.fromkeys(("IEEEauthorblockN", "IEEEauthorblockA", "IEEEmembership", "orcid"), ("{", "\n{0}\n")),
    **dict.fromkeys(("institution", "department", "streetaddress", "city", "state", "country", "postcode", "inst"),
                    ("{", " {0} ")),
    **dict.fromkeys(("opening", "closing", "ps", "cc", "encl"), ("{", "\n\n{0}\n\n")),
    **dict.fromkeys(("IEEEPARstart", "PARstart", "lettrine"), ("[{{", "{1}{2}")),
    "texorpdfstring": ("{r", "{0}"),
}  # fmt: skip
CITATIONS = {
    "cite", "citet", "citep", "citealt", "citealp", "textcite", "parencite", "autocite", "footcite", "citeauthor",
    "citeyear", "citeyearpar", "fullcite", "smartcite", "supercite", "Citet", "Citep", "Textcite", "Autocite",
    "Parencite", "onlinecite", "shortcite", "citeA", "citeNP", "footcitetext", "citetitle",
}  # fmt: skip
FILES = {
    "input": "r", "include": "r", "subfile": "r", "import": "rr", "subimport": "rr", "includepdf": "or",
    "bibliography": "r", "addbibresource": "or", "lstinputlisting": "or", "verbatiminput": "r", "VerbatimInput": "or",
    "inputminted": "orr", "loadglsentries": "or", "InputIfFileExists": "r", "subfileinclude": "r", "@@input": "r",
}  # fmt: skip
# Commands that TeX gives a length or a number to.
LENGTHS = {
    "kern", "hskip", "vskip", "mskip", "mkern", "hsize", "vsize", "parindent", "parskip", "baselineskip", "textwidth",
    "textheight", "tolerance", "hbadness", "vbadness", "hfuzz", "vfuzz", "penalty", "linewidth", "columnsep",
    "tabcolsep", "arraycolsep", "topmargin", "oddsidemargin", "evensidemargin", "emergencystretch", "raise", "lower",
    "moveleft", "moveright", "hbox", "vbox", "vtop", "hrule", "vrule", "unitlength", "itemsep", "parsep", "topsep",
    "leftskip", "rightskip", "looseness", "clubpenalty", "widowpenalty", "leftmargin", "rightmargin", "advance",
    "abovedisplayskip", "belowdisplayskip", "fboxsep", "fboxrule", "lineskip", "multiply", "divide", "hangindent",
    "hangafter", "spaceskip", "interlinepenalty", "columnwidth", "fontdimen", "mathsurround", "partopsep", "labelsep",
    "labelwidth", "magnification", "extrarowheight", "arrayrulewidth",
    "doublerulesep", "smallskipamount", "jot", "overfullrule",
}  # fmt: skip
_WORDS = {
    "STATE": "\n", "State": "\n", "Else": "\nelse ", "ELSE": "\nelse ", "Return": "return ", "RETURN": "return ",
    "Require": "\nRequire: ", "REQUIRE": "\nRequire: ", "Ensure": "\nEnsure: ", "ENSURE": "\nEnsure: ",
    "LaTeX": "LaTeX", "TeX": "TeX", "LaTeXe": "LaTeX2e", "BibTeX": "BibTeX",
    "XeTeX": "XeTeX", "XeLaTeX": "XeLaTeX",
    "LuaTeX": "LuaTeX", "LuaLaTeX": "LuaLaTeX", "pdfTeX": "pdfTeX", "pdfLaTeX": "pdfLaTeX", "AmS": "AMS",
    "AmSTeX": "AMS-TeX", "AmSLaTeX": "AMS-LaTeX", "ConTeXt": "ConTeXt", "MF": "METAFONT", "MP": "MetaPost",
    "SliTeX": "SliTeX", "PlainTeX": "Plain TeX", "plainTeX": "Plain TeX", "eTeX": "eTeX", "PiCTeX": "PiCTeX",
    "TikZ": "TikZ", "KOMAScript": "KOMA-Script", "today": "", "slash": "/", "og": "« ", "fg": " »", "glqq": "„",
    "grqq": "“", "glq": "‚", "grq": "‘", "flqq": "«", "frqq": "»", "flq": "‹", "frq": "›", "lq": "‘", "rq": "’",
    "textdegree": "°", "degree": "°", "degrees": "°", "celsius": "°C", "euro": "€", "EUR": "€", "texteuro": "€",
    "textperthousand": "‰", "textnumero": "№", "textmu": "µ", "micro": "µ", "ohm": "Ω", "lvert": "|", "rvert": "|",
    "lVert": "‖", "rVert": "‖", "phi": "ϕ", "hbar": "ℏ", "ell": "ℓ", "vdots": "⋮", "ddots": "⋱", "S": "§", "P": "¶",
    "textbackslash": "\\", "textasciitilde": "~", "textasciicircum": "^", "textbar": "|", "textless": "<",
    "textgreater": ">", "textunderscore": "_", "textdollar": "$", "textbraceleft": "{", "textbraceright": "}",
    "textquotesingle": "'", "textasciigrave": "`", "textvisiblespace": " ", "quad": " ", "qquad": " ", "space": " ",
    "thinspace": " ", "enspace": " ", "enskip": " ", "hfill": " ", "dotfill": " … ", "hrulefill": " ", "tab": " ",
    "nobreakspace": "\u00a0", "newline": "\n", "linebreak": "\n", "cr": "\n", "crcr": "", "lbrace": "{", "rbrace": "}",
    "lbrack": "[", "rbrack": "]", "backslash": "\\", "colon": ":", "vert": "|", "Vert": "‖", "mid": "|", "ldots": "…",
    "dots": "…", "cdots": "⋯", "textellipsis": "…", "checkmark": "✓", "i": "ı", "j": "ȷ", "ss": "ß", "SS": "SS",
    "IJ": "IJ", "ij": "ij", "prime": "′", "bmod": " mod ", "mod": " mod ", "pmod": " mod ", "to": "→", "gets": "←",
    "iff": "⟺", "implies": "⟹", "impliedby": "⟸", "land": "∧", "lor": "∨", "lnot": "¬", "ne": "≠", "le": "≤", "ge": "≥",
    "dag": "†", "ddag": "‡", "copyright": "©", "pounds": "£", "texttrademark": "™", "textregistered": "®", "and": "\n",
    "And": "\n", "AND": "\n", "tabularnewline": "\n", "textendash": "–", "textemdash": "—", "textbullet": "•",
    "vspace": "", "hspace": "", "par": "\n\n", "smallskip": "\n\n", "medskip": "\n\n", "bigskip": "\n\n",
    "textsection": "§", "textparagraph": "¶", "textcelsius": "°C", "textquotedbl": '"', "dq": '"',
}  # fmt: skip
# Units of siunitx; others stand as their names.
UNITS = {
    "metre": "m", "meter": "m", "second": "s", "kilogram": "kg", "gram": "g", "hour": "h", "minute": "min",
    "day": "d", "litre": "l", "liter": "l", "ampere": "A", "kelvin": "K", "mole": "mol", "newton": "N", "pascal": "Pa",
    "joule": "J", "watt": "W", "volt": "V", "hertz": "Hz", "percent": "%", "degreeCelsius": "°C", "celsius": "°C",
    "degree": "°", "ohm": "Ω", "tonne": "t", "kilo": "k", "mega": "M", "giga": "G", "milli": "m", "centi": "c",
    "micro": "µ", "nano": "n", "deci": "d", "hecto": "h", "per": "/", "squared": "²", "cubed": "³", "bar": "bar",
    "square": "square ", "cubic": "cubic ", "knot": "kn", "nauticalmile": "NM", "candela": "cd", "byte": "B",
}  # fmt: skip
_SIGNS = {
    "%": "%", "&": "&", "$": "$", "#": "#", "_": "_", "{": "{", "}": "}", " ": " ", "\n": " ", ",": " ", ";": " ",
    ":": " ", ">": " ", "!": "", "/": "", "-": "", "@": "", "|": "‖",
}  # fmt: skip
_ACCENTS = {
    "`": "\u0300", "'": "\u0301", "^": "\u0302", "~": "\u0303", '"': "\u0308", "=": "\u0304", ".": "\u0307",
    "u": "\u0306", "v": "\u030c", "H": "\u030b", "c": "\u0327", "k": "\u0328", "d": "\u0323", "b": "\u0331",
    "r": "\u030a", "t": "\u0361", "G": "\u030f", "textcommabelow": "\u0326", "C": "\u030f", "f": "\u0311",
}  # fmt: skip
# Commands of LaTeX that print nothing, so that nobody misses them.
SILENT = {
    "vec", "hat", "bar", "tilde", "dot", "ddot", "widehat", "widetilde", "overline", "underline", "mathbf", "mathrm",
    "mathit", "mathcal", "mathbb", "mathsf", "boldsymbol", "text", "textbf", "textit", "textsc", "texttt", "textsf",
    "emph", "mbox", "fbox", "ENDWHILE", "ENDIF", "ENDFOR", "EndWhile", "EndIf", "EndFor", "only", "onslide", "alert",
    "catcode", "font", "bye", "the", "number", "jobname", "setbox", "active", "abstractname", "appendixname",
    "Bbb", "Big", "Bigg", "Biggl", "Biggr", "Bigl", "Bigm", "Bigr", "ExplSyntaxOff", "ExplSyntaxOn", "Huge",
    "LARGE", "Large", "MakeLowercase", "MakeUppercase", "allowbreak", "allowdisplaybreaks", "appendix",
    "arraybackslash", "arraystretch", "backmatter", "balance", "baselineskip", "begingroup", "bf", "bfdefault",
    "bfseries", "bgroup", "bibliography", "bibname", "big", "bigbreak", "bigg", "biggl", "biggr", "bigl", "bigm",
    "bigr", "bm", "boldmath", "bottomrule", "box", "break", "cal", "centering", "cleardoublepage", "clearpage",
    "columnbreak", "columnwidth", "contentsname", "copy", "displaybreak", "displaylimits", "displaystyle",
    "doublespacing", "dp", "egroup", "else", "em", "endfirsthead", "endfoot", "endgraf", "endgroup", "endhead",
    "endinput", "endlastfoot", "ensuremath", "evensidemargin", "expandafter", "familydefault", "fi", "figurename",
    "fill", "flushbottom", "flushleft", "footnotemark", "footnotesize", "frak", "frenchspacing", "frontmatter",
    "fussy", "global", "glsaddall", "goodbreak", "hangindent", "hbox", "hfil", "hline", "hsize", "hss", "ht",
    "huge", "ignorespaces", "ignorespacesafterend", "indent", "it", "item", "itshape", "justifying", "large",
    "larger", "leavevmode", "left", "leftmark", "limits", "linebreak", "linewidth", "listoffigures", "listoftables",
    "long", "lowercase", "lstlistingname", "mainmatter", "makeatletter", "makeatother", "makeglossary", "makeindex",
    "maketitle", "mathbin", "mathclose", "mathinner", "mathop", "mathopen", "mathord", "mathpunct", "mathrel",
    "mathstrut", "mdseries", "medbreak", "mediumskip", "middle", "midrule", "mit", "newblock", "newline", "newpage",
    "nobreak", "noexpand", "nofiles", "noindent", "nointerlineskip", "nolimits", "nolinebreak", "nomenclature",
    "nonfrenchspacing", "nonumber", "nopagebreak", "normalbaselines", "normalfont", "normalsize", "notag", "null",
    "obeylines", "obeyspaces", "oddsidemargin", "offinterlineskip", "onecolumn", "onehalfspacing", "or", "outer",
    "pagebreak", "paperheight", "paperwidth", "parfillskip", "parindent", "parskip", "pause", "phantomsection",
    "printglossaries", "printindex", "printnomenclature", "protect", "protected", "qed", "qedhere", "raggedbottom",
    "raggedleft", "raggedright", "refname", "relax", "right", "rightmark", "rm", "rmdefault", "rmfamily",
    "samepage", "sc", "scriptscriptstyle", "scriptsize", "scriptstyle", "scshape", "selectfont", "sf", "sfdefault",
    "sffamily", "singlespacing", "sl", "sloppy", "slshape", "small", "smallbreak", "smaller", "stretch", "strut",
    "tablename", "tableofcontents", "textheight", "textstyle", "textwidth", "thechapter", "theequation",
    "thefigure", "thepage", "thesection", "thesubsection", "thetable", "thispage", "tightlist", "tiny", "topmargin",
    "toprule", "tt", "ttdefault", "ttfamily", "twocolumn", "unboldmath", "unskip", "uppercase", "upshape", "usebox",
    "vbox", "vfil", "vfill", "vss", "vtop", "wd", "xspace",
}  # fmt: skip


@cache
def symbols() -> dict[str, str]:
    """Return what commands without arguments print, by their names."""
    specs = get_default_latex_context_db().iter_macro_specs()
    known = {
        spec.macroname: spec.simplify_repl
        for spec in specs
        if isinstance(spec, MacroTextSpec) and isinstance(spec.simplify_repl, str) and "%" not in spec.simplify_repl
    }
    no_symbols = {*DROPPED, *SILENT, *FILES, *CITATIONS, *SECTION_LEVELS, *_ACCENTS}
    taken = {name: text for name, text in known.items() if name not in no_symbols}
    return {**taken, **_WORDS, **_SIGNS}


def accented(command: str, letter: str) -> str | None:
    """Return a letter with the accent that ``command`` puts on it, None if that is no accent."""
    mark = _ACCENTS.get(command)
    if mark is None:
        return None
    letter = {"ı": "i", "ȷ": "j"}.get(letter, letter)
    if not letter.strip():
        return command if not command.isalpha() else ""
    return unicodedata.normalize("NFC", letter[0] + mark + letter[1:])
