"""Walk over the elements of a web page, as an HTML5 parser builds them, and collect the blocks of its text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

from turbohtml.saxparse import SaxHandler

from core.loading.html._elements import (
    BLOCKS,
    FILE_NAME,
    ICON,
    IN_RUBY,
    INLINE_PREFIX,
    PERMALINK,
    PREFORMATTED,
    RAW,
    SPACED,
    TIGHT,
    UNSEEN,
    VALUES,
    is_decoration,
    whole_number,
)
from core.loading.html._style import Attributes, Style, StyleSheet
from core.loading.html._tables import REPEATED_TEXT, HtmlTable, TableCell, table_block
from core.loading.html.blocks import (
    BREAK,
    COPY,
    COPY_END,
    SOFT,
    Block,
    Container,
    Flow,
    code_fence,
    heading,
    inline_text,
    paragraph,
    without_copies,
    without_marks,
)

_WORD = re.compile(r"\w+")


class PageWalk(SaxHandler):
    """Collects the blocks of a page's text; ``counts`` says how often what could not be read was met."""

    def __init__(self, sheet: StyleSheet, embedded: Callable[[str], list[Block]], *, show_hidden: bool = False) -> None:
        """``embedded`` returns the blocks of a page inside the page; ``show_hidden`` reads what styles hide, too."""
        self.flow = Flow()
        self.counts: Counter[str] = Counter()
        self._embedded = embedded
        self._sheet = sheet
        self._show_hidden = show_hidden
        self._flows = [self.flow]
        self._tables: list[HtmlTable] = []
        self._lists: list[tuple[str, int, int]] = []  # tag, next number, step
        self._ends: list[Callable[[], None] | None] = []
        self._unseen = 0  # elements that are open since the outermost that is not shown
        self._counted = False  # whether words in it are counted as hidden
        self._scripts = 0  # the value of _unseen at a script in it
        self._preformatted = 0
        self._keeps_lines = 0
        self._raw = 0
        self._ruby = 0
        self._graphics = 0
        self._silent_graphics = False  # the names of icons are not read out
        self._formula_read = False  # as MathML, whose picture follows
        self._fractions: list[list[int]] = []  # depth and number of children of each <mfrac> that is open
        self._copies = 0
        self._budget = [REPEATED_TEXT]

    # Events of the parser

    def start_element(self, tag: str, attrs: tuple[tuple[str, str | None], ...]) -> None:
        """Begin an element, shown or not."""
        if self._unseen:
            self._unseen += 1
            if not self._scripts and tag in UNSEEN:
                self._scripts = self._unseen
            return
        tag = tag.removeprefix(INLINE_PREFIX)
        attributes = {name: value or "" for name, value in attrs}
        style = self._sheet.style_of(tag, attributes)
        if self._is_unseen(tag, attributes, style):
            self._unseen = 1
            return
        if self._fractions and self._fractions[-1][0] == len(self._ends):
            self._fractions[-1][1] += 1
            if self._fractions[-1][1] == 2:
                self._flows[-1].inline.append("/")
        copied = self._start_copy(tag, attributes, style)
        end = self._start(tag, attributes, style)
        if style.keeps_lines and tag not in PREFORMATTED:
            self._keeps_lines += 1
            end = _both(end, self._end_keeping_lines)
        self._ends.append(_both(end, copied) if copied else end)

    def end_element(self, tag: str) -> None:  # noqa: ARG002 - every element that began ends, in order
        """End the element that began last."""
        if self._unseen:
            self._unseen -= 1
            if self._unseen < self._scripts:
                self._scripts = 0
            if not self._unseen:
                self._counted = False
            return
        end = self._ends.pop()
        if end:
            end()

    def characters(self, data: str) -> None:
        """Add text to the paragraph that is open."""
        if self._unseen:
            if self._counted and not self._scripts:
                self.counts["hidden words"] += len(_WORD.findall(data))
            return
        data = without_marks(data)
        if self._raw:
            data = data.replace("<" + INLINE_PREFIX, "<").replace("</" + INLINE_PREFIX, "</")
        if self._keeps_lines and not self._preformatted:
            data = data.replace("\n", BREAK)
        self._flows[-1].inline.append(data)

    def finish(self) -> list[Block]:
        """Return the blocks of the page once it is parsed."""
        self._end_paragraph()
        return self.flow.blocks

    # What is not shown

    def _is_unseen(self, tag: str, attributes: Attributes, style: Style) -> bool:
        classes = attributes.get("class", "")
        silent = attributes.get("aria-hidden", "").lower() == "true"
        if tag in ("title", "desc") and self._graphics:
            return self._silent_graphics
        if tag in UNSEEN and not (tag == "template" and "shadowrootmode" in attributes):
            self._meet_unread(tag, attributes)
            return tag not in IN_RUBY or self._ruby > 0
        if "katex" in classes or "MathJax" in classes:
            names = classes.split()
            if "katex" in names:
                self._formula_read = False
            if "MathJax_Preview" in names or ("katex-html" in names and self._formula_read):
                return True
        if tag == "math":
            self._formula_read = True
        if "pagebreak" in attributes.get("epub:type", "") or attributes.get("role") == "doc-pagebreak":
            return True  # the number of a printed page
        if PERMALINK.search(classes) or (silent and ICON.search(classes)):
            return True
        if tag == "input":
            return attributes.get("type", "").lower() not in VALUES
        return self._is_hidden(tag, attributes, style)

    def _is_hidden(self, tag: str, attributes: Attributes, style: Style) -> bool:
        """Return whether the page hides the element from everybody; what stands in it is counted."""
        hidden = style.hidden
        if hidden is None:
            hidden = "hidden" in attributes and attributes["hidden"].lower() != "until-found"
            hidden = hidden or (tag == "dialog" and "open" not in attributes) or "popover" in attributes
        if not hidden or tag in ("html", "body") or self._show_hidden:
            return False
        self._counted = True
        return True

    def _meet_unread(self, tag: str, attributes: Attributes) -> None:
        if tag == "iframe":
            if attributes.get("srcdoc", "").strip():
                self._embed(attributes["srcdoc"])
            elif attributes.get("src", "about:blank") != "about:blank":
                self.counts["frame"] += 1
        elif tag in ("video", "audio"):
            self.counts[tag] += 1

    def _embed(self, markup: str) -> None:
        self._end_paragraph()
        flow = self._flows[-1]
        flow.gap = 2
        flow.extend(self._embedded(markup))
        flow.gap = 2

    def _start_copy(self, tag: str, attributes: Attributes, style: Style) -> Callable[[], None] | None:
        """Mark what screen readers leave out: it may be a copy of what they read."""
        if attributes.get("aria-hidden", "").lower() != "true":
            return None
        if tag in BLOCKS or style.block:
            self._end_paragraph()
            self._copies += 1
            return self._end_copied_block
        flow = self._flows[-1]
        flow.inline.append(COPY)
        return lambda: flow.inline.append(COPY_END)

    def _end_copied_block(self) -> None:
        self._copies -= 1

    def _end_keeping_lines(self) -> None:
        self._keeps_lines -= 1

    # Elements

    def _start(self, tag: str, attributes: Attributes, style: Style) -> Callable[[], None] | None:
        """Begin an element that is shown, and return what its end does."""
        flow = self._flows[-1]
        if self._preformatted and tag != "br":
            return self._start_in_code(tag)
        if tag in BLOCKS or (style.block and tag not in SPACED):
            return self._start_block(tag, attributes)
        if tag == "br":
            flow.inline.append("\n" if self._preformatted else BREAK)
            return None
        if tag == "q":
            flow.inline.append('"')
            return lambda: flow.inline.append('"')
        if tag == "ruby":
            self._ruby += 1
            return self._end_ruby
        if tag == "svg":
            self._graphics += 1
            self._silent_graphics = attributes.get("aria-hidden", "").lower() == "true"
            flow.inline.append(SOFT)
            return self._end_graphics
        if tag == "mfrac":
            self._fractions.append([len(self._ends) + 1, 0])
            return self._end_fraction
        if tag in ("img", "area"):
            self._picture(tag, attributes)
        elif tag == "input":
            flow.inline.append(SOFT + without_marks(attributes.get("value", "")) + SOFT)
        elif tag == "frame":
            self.counts["frame"] += 1
        elif tag in SPACED or "-" in tag or tag in ("title", "desc"):
            flow.inline.append(SOFT)
            if tag == "textarea":
                self._raw += 1
                self._keeps_lines += 1
                return self._end_textarea
            return lambda: flow.inline.append(SOFT)
        return None

    def _start_in_code(self, tag: str) -> Callable[[], None] | None:
        """Begin an element inside preformatted text: a block begins a line of its own."""
        if tag not in BLOCKS:
            return None
        self._start_line_of_code()
        return self._start_line_of_code

    def _start_line_of_code(self) -> None:
        inline = self._flows[-1].inline
        if inline and not inline[-1].endswith("\n"):
            inline.append("\n")

    def _start_block(self, tag: str, attributes: Attributes) -> Callable[[], None] | None:
        self._end_paragraph()
        flow = self._flows[-1]
        begun = not flow.containers or flow.containers[-1].used
        if begun and tag not in TIGHT:
            flow.gap = max(flow.gap, 1 if tag in ("ul", "ol", "menu", "dir", "dl") and flow.containers else 2)
        if tag in ("ul", "ol", "menu", "dir"):
            self._start_list(tag, attributes)
            return self._end_list
        if tag == "li":
            return self._start_container(self._marker(attributes), gap=1)
        if tag == "dd":
            flow.gap = 1
            return self._start_container(": ")
        if tag == "blockquote":
            return self._start_container("> ", rest="> ")
        if tag == "noframes":
            return lambda: self._end_noframes(flow)
        if tag in PREFORMATTED:
            self._preformatted += 1
            self._raw += tag in RAW
            return lambda: self._end_code(tag)
        if tag[0] == "h" and tag[1:].isdigit():
            return lambda: self._end_heading(int(tag[1]))
        table = self._start_table_part(tag, attributes)
        return table or (self._end_paragraph if tag in TIGHT else self._end_block)

    def _start_container(self, first: str, *, rest: str = "", gap: int = 2) -> Callable[[], None]:
        """Begin an item or a quotation; ``gap`` is that after its end."""
        self._flows[-1].containers.append(Container(first, rest or " " * len(first)))
        return lambda: self._end_container(gap)

    def _end_container(self, gap: int) -> None:
        self._end_paragraph()
        flow = self._flows[-1]
        flow.containers.pop()
        flow.gap = gap

    def _start_list(self, tag: str, attributes: Attributes) -> None:
        start = whole_number(attributes.get("start"), 1)
        step = -1 if "reversed" in attributes else 1
        self._lists.append((tag, start, step))

    def _end_list(self) -> None:
        self._end_paragraph()
        self._lists.pop()
        flow = self._flows[-1]
        flow.gap = max(flow.gap, 1 if flow.containers else 2)

    def _marker(self, attributes: Attributes) -> str:
        if not self._lists or self._lists[-1][0] != "ol":
            return "* "
        tag, number, step = self._lists[-1]
        number = whole_number(attributes.get("value"), number)
        self._lists[-1] = (tag, number + step, step)
        return f"{number}. "

    def _start_table_part(self, tag: str, attributes: Attributes) -> Callable[[], None] | None:
        if tag == "table":
            self._tables.append(HtmlTable(attributes.get("role", "").lower() in ("presentation", "none")))
            return self._end_table
        if not self._tables:
            return None
        table = self._tables[-1]
        if tag in ("tbody", "thead", "tfoot"):
            table.start_section(tag)
        elif tag == "tr":
            table.start_row()
        elif tag in ("td", "th"):
            flow = Flow()
            rows, columns = whole_number(attributes.get("rowspan"), 1), whole_number(attributes.get("colspan"), 1)
            table.start_cell(TableCell(flow, max(rows, 0), max(columns, 1), tag == "th"))
            self._flows.append(flow)
            return self._end_cell
        elif tag == "caption":
            self._flows.append(Flow())
            return self._end_caption
        return None

    # Ends of elements

    def _end_paragraph(self) -> None:
        """Make a block of the inline text that came since the last one."""
        flow = self._flows[-1]
        if not flow.inline:
            return
        parts, flow.inline = flow.inline, []
        if self._preformatted:
            flow.inline = parts
            return
        lines = inline_text(parts)
        if lines:
            flow.add(paragraph(lines), " ".join(filter(None, lines)), copied=self._copies > 0)

    def _end_block(self) -> None:
        self._end_paragraph()
        self._flows[-1].gap = 2

    def _end_heading(self, level: int) -> None:
        flow = self._flows[-1]
        parts, flow.inline = flow.inline, []
        text = " ".join(filter(None, inline_text(parts)))
        if text:
            flow.headings += 1
            flow.add(heading(level, text), text, copied=self._copies > 0)
        flow.gap = 2

    def _end_code(self, tag: str) -> None:
        self._preformatted -= 1
        self._raw -= tag in RAW
        flow = self._flows[-1]
        if self._preformatted:
            return
        parts, flow.inline = flow.inline, []
        lines = without_copies("".join(parts)).strip("\n").rstrip()
        if lines.strip():
            flow.add(code_fence(lines), " ".join(lines.split()), copied=self._copies > 0)
        flow.gap = 2

    def _end_noframes(self, flow: Flow) -> None:
        markup, flow.inline = "".join(flow.inline), []
        if self.counts["frame"]:
            self._embed(markup)

    def _end_fraction(self) -> None:
        self._fractions.pop()

    def _end_ruby(self) -> None:
        self._ruby -= 1

    def _end_graphics(self) -> None:
        self._graphics -= 1
        self._flows[-1].inline.append(SOFT)

    def _end_textarea(self) -> None:
        self._raw -= 1
        self._keeps_lines -= 1
        self._flows[-1].inline.append(SOFT)

    def _end_cell(self) -> None:
        self._end_paragraph()
        self._flows.pop()

    def _end_caption(self) -> None:
        self._end_paragraph()
        self._tables[-1].captions += self._flows.pop().blocks

    def _end_table(self) -> None:
        table = self._tables.pop()
        self._end_paragraph()  # of text between the cells
        flow = self._flows[-1]
        flow.depth = max(flow.depth, table.depth())
        flow.headings += sum(cell.flow.headings for cell in table.cells())
        flow.gap = 2
        if table.is_layout():
            flow.extend(table.blocks())
            flow.letters += table.letters()
        else:
            flow.extend(table.captions)
            flow.gap = 2
            for text, plain in table_block(*table.texts(self._budget)):
                flow.add(text, plain, copied=self._copies > 0)
                flow.gap = 2
        flow.gap = 2

    # Pictures

    def _picture(self, tag: str, attributes: Attributes) -> None:
        description = " ".join(without_marks(attributes.get("alt", "")).split())
        if FILE_NAME.match(description):
            description = ""
        elif description:
            alone = len(description) > 1  # a single letter is the initial of the word that follows it
            self._flows[-1].inline.append(f"{SOFT}{description}{SOFT}" if alone else description)
        if tag == "img" and not description and not is_decoration(attributes):
            self.counts["picture"] += 1


def _both(first: Callable[[], None] | None, second: Callable[[], None]) -> Callable[[], None]:
    def end() -> None:
        if first:
            first()
        second()

    return end
