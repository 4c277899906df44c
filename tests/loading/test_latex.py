"""LaTeX: all words that it prints, whatever the file defines and wherever a brace is missing."""

from __future__ import annotations

import pytest

from core.errors import NoText
from core.loading.loader import load
from core.records.document import Document


def read(source: str) -> Document:
    return load("a.tex", source.encode())


def words(source: str) -> str:
    return " ".join(read(source).text.split())


# Own commands


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (r"\newcommand{\be}{\begin{equation}}\newcommand{\ee}{\end{equation}}One. \be a=b \ee Two.", "One. a=b Two."),
        (r"\def\bi{\begin{itemize}}\def\ei{\end{itemize}}x\bi\item a\ei y", "x * a y"),
        (r"\newcommand{\port}[1]{the port of \textbf{#1}}At \port{Emden} now.", "At the port of Emden now."),
        (r"\newcommand\who[2][Ada]{#1 and #2}\who{Brun}, \who[Eva]{Brun}", "Ada and Brun, Eva and Brun"),
        (r"\renewcommand*{\x}{X}\providecommand{\firm}{Otter \& Sons}\firm{} \x", "Otter & Sons X"),
        (r"\def\pair#1,#2;{#1 with #2}\pair bow,stern; end", "bow with stern end"),
        (r"\let\strong=\textbf \let\old\emph\strong{a} \old{b}", "a b"),
        (r"\newenvironment{note}[1]{\begin{quote}Note on #1: }{\end{quote}End.}\begin{note}{tides}High.\end{note} x",
         "Note on tides: High. End. x"),
        (r"\NewDocumentCommand{\ship}{s O{old} m}{\IfBooleanTF{#1}{the}{a} #2 #3}\ship{cog} \ship*[new]{brig}",
         "a old cog the new brig"),
        (r"\NewDocumentCommand\y{m o}{#1\IfNoValueTF{#2}{}{ (#2)}}\y{a} \y{b}[c]", "a b (c)"),
        (r"\DeclareMathOperator{\rank}{rank}$\rank A$", "rank A"),
        (r"\newcommand{\outer}[1]{[\inner{#1}]}\newcommand{\inner}[1]{<#1>}\outer{x y}", "[<x y>]"),
        (r"\newtheorem{thm}{Theorem}\begin{thm}[Tides]They turn.\end{thm}", "Theorem (Tides). They turn."),
        (r"\newcommand{\x}{never ended words stay \textbf{here}. Next.", "never ended words stay here. Next."),
        (r"\unknowncommand[opt]{all words}{of it} stay", "all words of it stay"),
        (r"\begin{mybox}[Title of it]{arg}text\end{mybox}", "Title of it argtext"),
        (r"\makeatletter\def\my@name{Ada}\makeatother \newcommand{\me}{\my@name}x@y", "x@y"),
    ],
)  # fmt: skip
def test_own_commands_stand_for_what_they_print(source: str, text: str) -> None:
    assert words(r"\relax{}" + source).removeprefix(" ") == text


# What is not whole


@pytest.mark.parametrize(
    "source",
    [
        "\\section{Locks}\nThe lock {opens at nine.\nIt closes at \\textbf{ten.\n\nNobody swims.",
        "\\section{Locks\n\nopens at nine. It closes at ten. Nobody swims.",
        "The lock opens at nine\\footnote{It closes at ten. \\section{Rules} Nobody swims.",
        "The lock\\relax{} opens at nine $x. It closes at ten.\n\nNobody swims.",
        "\\begin{itemize}\\item The lock opens at nine. \\begin{quote}closes at ten.\\end{itemize} Nobody swims.",
        "opens at nine. \\end{quote} closes at ten.} Nobody swims.",
        "\\begin{tabular}{ll opens at nine & closes at ten \\\\ \n\nNobody swims.",
        "\\caption{opens at nine \\begin{figure}closes at ten\\end{figure}\n\nNobody swims.",
        "\\iffalse opens at nine closes at ten Nobody swims.",
        "\\begin{verbatim} opens at nine closes at ten Nobody swims.",
        "opens at nine \\verb|closes at ten\n Nobody swims.",
        "\\cite[opens at nine closes at ten\n\nNobody swims.",
        "\\frac{opens at nine closes at ten\n\nNobody swims.",
    ],
)
def test_what_does_not_end_loses_nothing(source: str) -> None:
    text = words(source)
    for part in ("opens at nine", "closes at ten", "Nobody swims."):
        assert part in text


# Signs


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (r"\'Etude \"{o}\"a \c{c} \v s \H{o} \~n \^\i{} \o \O{} \ss e \aa \l{}od\'z \k{a}",
         "Étude öä ç š ő ñ î øØ ße åłodź ą"),
        (r"\LaTeX{} and \TeX, \S~2, \P, \copyright, \pounds 5, \dag, \ldots", "LaTeX and TeX, § 2, ¶, ©, £5, †, …"),
        (r"``Quoted'' --- 3--4 \enquote{so} \% \& \$ \# \_ \{x\}", "“Quoted” — 3–4 “so” % & $ # _ {x}"),
        (r"\verb|a_b{%| and \lstinline!x & y! \texttt{\textbackslash par} \url{http://a.b/c_d%20e#f}",
         "a_b{% and x & y \\par http://a.b/c_d%20e#f"),
        (r"\href{http://a.b/c%d}{this page}.", "this page."),
        (r"The tide\index{tide|see{water}} turns\label{a}\nocite{b}.", "The tide turns."),
        (r"\SI{3.5}{\kilo\metre\per\hour} \qty{5}{\percent} \num{12} \si{\kg}", "3.5 km/h 5 % 12 kg"),
        (r"$\frac{a+b}{2} \leq \sqrt{x_{ij}^{2n}} \cdot \sin\alpha$, $90^{\circ}$",
         "(a+b)/2 ≤√(x_ij^2n) ·sin α, 90°"),
        (r"\begin{pmatrix} a & b \\ c & d \end{pmatrix}", "a b; c d"),
        (r"Text % a remark" + "\n" + r"goes on, 5\% more.%" + "\n  \nNext", "Text goes on, 5% more. Next"),
        (r"\usepackage[ngerman]{babel}Gr\"o\ss e und \"Ubung, "+ 'gr"un, Stra"se, "`so"\'',
         "Größe und Übung, grün, Straße, „so“"),
        (r"\hspace*{2cm}a\vspace{1ex}\kern3pt b\hskip 1em plus 2pt c\parindent=0pt d \\[2pt] e \\ [note] f",
         "ab cd e [note] f"),
    ],
)  # fmt: skip
def test_signs(source: str, text: str) -> None:
    assert words(r"\relax{}" + source) == text


@pytest.mark.parametrize(("name", "codec"), [("latin1", "latin-1"), ("ansinew", "cp1252"), ("latin2", "iso8859-2")])
def test_the_encoding_that_a_file_declares(name: str, codec: str) -> None:
    source = f"\\usepackage[{name}]{{inputenc}}\nDie Fähre über den Fluß."
    assert load("a.tex", source.encode(codec)).text == "Die Fähre über den Fluß.\n"


# Left out


def test_comments_and_what_is_switched_off() -> None:
    source = (
        "\\newif\\ifdraft\\draftfalse\\excludecomment{answer}\n"
        "a\\iffalse gone \\ifx\\a\\b gone\\fi gone\\else b\\fi % gone\n c"
        "\\begin{comment} gone \\end{comment} d \\ifdraft gone\\else e\\fi \\drafttrue\\ifdraft f\\else gone\\fi"
        "\\begin{answer}gone\\end{answer} g"
    )
    assert words(source) == "abc d ef g"


def test_notes_say_what_a_file_lacks() -> None:
    document = read(
        r"\documentclass{article}\input{macros}\begin{document}\include{chapters/one}\input two "
        r"See \firm{} and \firm, \foo{words}.\includegraphics[width=1cm]{a.png}\includegraphics[alt={A gauge}]{b}"
        r"\begin{tikzpicture}\node{Lamp};\end{tikzpicture}\tikz \draw (0,0); end\bibliography{refs}\end{document}"
    )
    assert "words" in document.text
    assert "A gauge" in document.text
    assert document.text.endswith("end\n")
    assert document.notes == (
        "other files that it includes are not read: macros, chapters/one, two, refs",
        "1 picture without a description",
        "2 drawings (such as TikZ) left out",
        "commands whose meaning is not in the file are left out: \\firm",
    )
    assert read("\\section{A} plain \\textbf{words}").notes == ()


def test_a_file_that_only_includes_others_names_them() -> None:
    with pytest.raises(NoText, match=r"bring the files that it includes, one, two"):
        read(r"\documentclass{book}\begin{document}\include{one}\include{two}\end{document}")


# Structure


def test_title_authors_and_headings() -> None:
    document = read(
        r"\documentclass{article}\title[Short]{On\\ tides\thanks{Paid by the port.}}\author{A. Keel \and B. Oar}"
        r"\date{2024-03-01}\subtitle{A study}\begin{document}\maketitle\section*{One}\subsection[s]{Two \emph{b}}x"
        r"\twocolumn[Over both]\end{document} not printed"
    )
    assert document.text == (
        "# On tides [Paid by the port.]\n\nA. Keel, B. Oar\n\n2024-03-01\n\nA study\n\n## One\n\n### Two b\n\nx\n\n"
        "Over both\n"
    )
    assert document.metadata["author"] == "A. Keel, B. Oar"


def test_slides() -> None:
    text = read(
        r"\documentclass{beamer}\begin{document}\begin{frame}[fragile]{Tides}\begin{itemize}\item<1-> low"
        r"\item<2-> \only<2>{high}\pause\end{itemize}\begin{block}{Rule}No swimming\end{block}\end{frame}"
        r"\begin{frame}\frametitle{Locks}\framesubtitle{all}x\end{frame}\end{document}"
    ).text
    assert " ".join(text.split()) == "#### Tides * low * high Rule No swimming #### Locks all x"


@pytest.mark.parametrize(
    ("source", "table"),
    [
        (r"\begin{tabular}{l|c}\hline Port & \multicolumn{2}{c}{Tons} \\ \cmidrule(lr){2-3} a & b & c\\\end{tabular}",
         "| Port | Tons | Tons |\n| --- | --- | --- |\n| a | b | c |"),
        (r"\begin{tabularx}{\textwidth}{Xl}\multirow{2}{*}{Emden} & 1 \\ & 2 \tabularnewline c & 3\end{tabularx}",
         "| Emden | 1 |\n| --- | --- |\n| Emden | 2 |\n| c | 3 |"),
        (r"\begin{tabular}{ll} & 1 \\ \multirow{-2}{*}{\makecell{North\\ sea}} & 2 \\ \end{tabular}",
         "| North sea | 1 |\n| --- | --- |\n| North sea | 2 |"),
        (r"\begin{tabular}{ll}a & {b \\ c} \\[1ex]d\footnote{e}&\begin{array}{l}f\\g\end{array}\end{tabular}",
         "| a | b c |\n| --- | --- |\n| d [e] | f; g |"),
        (r"\begin{longtable}{ll}A & B\\\endfirsthead A & B\\\endhead 1 & 2\end{longtable}",
         "| A | B |\n| --- | --- |\n| 1 | 2 |"),
    ],
)  # fmt: skip
def test_tables(source: str, table: str) -> None:
    assert read(source).text == table + "\n"


@pytest.mark.parametrize(
    "source",
    [
        "\\begin{verbatim}\n a_b % {x\n```\n\\end{verbatim}",
        "\\begin{lstlisting}[language=C]\n a_b % {x\n```\n\\end{lstlisting}",
        "\\lstnewenvironment{mycode}{}{}\\begin{mycode}\n a_b % {x\n```\n\\end{mycode}",
        "\\begin{Verbatim}[frame=single]\n a_b % {x\n```\n\\end{Verbatim}",
    ],
)
def test_listings_stay_as_they_are(source: str) -> None:
    assert read(source).text == "````\n a_b % {x\n```\n````\n"


def test_footnotes_captions_bibliography() -> None:
    source = (
        "a\\footnote[3]{A note\n\nof two.} b\\begin{figure}[ht!]\\caption[s]{The \\emph{gauge}.}\\end{figure}"
        "\\citep[see][ch.~2]{keel,oar} \\begin{thebibliography}{9}\\bibitem[K]{keel} A. Keel, \\newblock Tides."
        "\\end{thebibliography}"
    )
    assert words(source) == "a [A note of two.] b The gauge. [see keel, oar, ch. 2] * A. Keel, Tides."


@pytest.mark.parametrize(
    "source",
    [
        r"\def\x{\x\x}\x",
        "\\def\\a#1{#1#1#1#1}" + "\\a{" * 30 + "x" + "}" * 30,
        "{" * 100_000 + "x",
        "\\footnote{" * 20_000 + "x",
        "\\begin{a}" * 20_000 + "x",
        "\\newcommand{\\x" * 20_000 + "x",
        "\\frac" * 20_000 + "x",
        "\\cite[" * 20_000 + "x",
        "$^{" * 20_000 + "x",
        "\\begin{tabular}{l}" * 3_000 + "x&",
        "\\begin{tabular}{l}" + "\\multicolumn{999}{c}{\\multirow{999}{*}{x}}&" * 500 + "\\end{tabular}x",
        "\\verb|" * 20_000 + "x",
        "\\begin{verbatim}" * 20_000 + "x",
        "\\iffalse" * 20_000 + "x",
        "\\lstinline[" * 20_000 + "x",
    ],
)
def test_hostile_input_is_no_burden(source: str) -> None:
    assert "x" in read(source + "\\relax x").text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (r"\colorbox{red}{kept} \fcolorbox{red}{blue}{kept too} \textcolor{red}{all}", "kept kept too all"),
        (r"\newcommand{\eg}{e.g.,\xspace}\eg this, \eg.", "e.g., this, e.g.,."),
        (r"\ifx\a\b one\else two\fi \ifthenelse{\equal{a}{b}}{yes }{no}", "one twoyes no"),
        (r"\lstinputlisting[language=C]{a.c}text", "text"),
    ],
)
def test_words_in_boxes_and_branches(source: str, text: str) -> None:
    assert words(source) == text


# Words that a preamble holds, and text that stands apart


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (
            r"\newacronym{sar}{SAR}{search and rescue}\begin{document}\gls{sar} boats, \glspl{sar}, \acrlong{sar}.",
            "search and rescue (SAR) boats, SARs, search and rescue.",
        ),
        (
            r"\newglossaryentry{keel}{name={keel},description={the lowest beam, of oak}}\begin{document}"
            r"\Gls{keel}. \printglossaries \printglossary[type=x]",
            "keel. * keel: the lowest beam, of oak",
        ),
        (
            r"\DeclareAcronym{ais}{short = AIS, long = {automatic \emph{identification} system}}\begin{document}"
            r"\ac{ais}, \ac{ais}, \acf{ais}",
            "automatic identification system (AIS), AIS, automatic identification system (AIS)",
        ),
        (
            r"\begin{document}\begin{acronym}[LNG]\acro{lng}[LNG]{liquid gas}\end{acronym}The \acl{lng}, \acs{lng}.",
            "* LNG: liquid gas The liquid gas, LNG.",
        ),
        (r"\DeclareAcronym{a}{short={A}" + " " * 20_000 + r",long={b}}\begin{document}\ac{a} words", "A words"),
        (
            r"\DeclareAcronym{a}{short={" * 2000 + "x" + "}}" * 2000 + r"\begin{document}\textbf{words}",
            "words",
        ),
        (r"\begin{document}\gls{unknown} and \textbf{\ac{none}}.", "unknown and none."),
    ],
)
def test_abbreviations_and_terms(source: str, text: str) -> None:
    assert words(source + r"\end{document}") == text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (
            r"\name{Ulla}{Keel}\phone[mobile]{0151 22}\address{Quay 1}{Husum}\begin{document}Skipper.\end{document}",
            "Ulla Keel 0151 22 Quay 1 Husum Skipper.",
        ),
        (r"\begin{document}The \name{quay} is open.\end{document}", "The quay is open."),
        (
            r"\signature{Ulla}\begin{document}\begin{letter}{Jan\\Quay 1}\opening{Dear Jan,}Come.\closing{Yours}"
            r"\ps{Soon}\end{letter}\end{document}",
            "Ulla Jan Quay 1 Dear Jan, Come. Yours Soon",
        ),
        (
            r"\author{\IEEEauthorblockN{Jan Keel}\IEEEauthorblockA{Harbour School\\Husum}}"
            r"\begin{document}x\end{document}",
            "Jan Keel, Harbour School, Husum x",
        ),
        (r"\affiliation{\institution{Harbour School}\city{Husum}\country{Germany}}", "Harbour School Husum Germany"),
        (r"\begin{frame}\only<1>{low}\only<2>{high}\onslide<3>{ water}\end{frame}", "low high water"),
        (r"\IEEEPARstart{T}{he} tide; \lettrine[lines=2]{I}{t} turns.", "The tide; It turns."),
        (r"\section{The \texorpdfstring{$\alpha$}{alpha} tide}", "## The α tide"),
        (r"\begin{CCSXML}<ccs><concept>Boats</concept></ccs>\end{CCSXML}Red boats. \textbf{x}", "Red boats. x"),
    ],
)
def test_words_of_title_pages_and_letters_stay_and_stand_apart(source: str, text: str) -> None:
    assert words(source) == text


def test_a_distance_after_a_row_or_line_is_no_word_though_a_space_stands_before_it() -> None:
    rows = (
        rb"\begin{tabular}{l}long form \\ [4pt]"
        + b"\nverbose \\\\*[2pt]\nquiet\\end{tabular} First \\\\ [see below] next."
    )
    text = load("a.tex", rows).text
    assert "| verbose |\n| quiet |" in text
    assert "[see below] next." in text
    assert "pt" not in text
