"""Read Rich Text Format: groups, control words and destinations, after Microsoft's specification 1.9.1."""

from __future__ import annotations

import re
from collections.abc import Callable

from core.loading.rtf._encoding import (
    DEFAULT_ENCODING,
    DOUBLE_BYTE,
    PICTURES,
    SYMBOL,
    Font,
    code_page_encoding,
    decode_bytes,
    ends_inside_character,
    private_symbol,
)  # fmt: skip
from core.loading.rtf._flow import MAX_NESTING, Flow
from core.loading.rtf._words import (
    DOCUMENT_ENCODINGS,
    FORMULA_PROPERTIES,
    HEADERS,
    NUMBERS,
    PAGE_FIELD,
    PARAGRAPH_ENDS,
    SKIPPED,
    SPECIAL,
    STARRED,
    STYLE_NAME,
    SYMBOL_FIELD,
    SYMBOLS,
    Field,
    State,
)

# One character of the source is one byte of the file.
_TOKEN = re.compile(
    r"\\(?P<word>[A-Za-z]{1,32})(?P<number>-?\d{1,10})? ?|\\'(?P<hex>[0-9A-Fa-f]{2})|\\(?P<symbol>[\x00-\xff])"
    r"|(?P<brace>[{}])|(?P<ends>[\r\n\0]+)|(?P<text>[^\\{}\r\n\0]+)"
)
_PRIVATE = re.compile("[\ue000-\uf8ff]")
_MAX_CODE = 0x10FFFF


class RtfReader:
    """Reads a document; afterwards its parts and what was left out are in the attributes."""

    def __init__(self, source: str) -> None:
        self.body, self.hidden, self.deleted = Flow(), Flow(), Flow()
        self.footnotes: list[str] = []
        self.comments: list[str] = []
        self.headers: dict[str, None] = {}
        self.info: dict[str, str] = {}
        self.pictures = self.described = self.objects = self.unread = self.open_groups = 0
        self._default_encoding, self._default_font = DEFAULT_ENCODING, 0
        self._fonts: dict[int, Font] = {}
        self._styles: dict[int, int] = {}
        self._defined: Font | int | None = None  # the font or the number of the style that is being defined
        self._outline = 0  # level of the paragraph's heading, if given directly
        self._state = State(self.body, self.body)
        self._stack: list[tuple[State, list[Callable[[], None]]]] = []
        self._closers: list[Callable[[], None]] = []  # what is to be done at the end of the group
        self._bytes = bytearray()
        self._bytes_to: Flow | None = None
        self._encoding = DEFAULT_ENCODING
        self._to_skip = 0  # fallback characters that are left out
        self._starred = False
        self._fields: list[Field] = []  # those that are open
        self._property = ""  # name of the shape's property that is read
        self._object_depth = 0
        self._read(source)

    def _read(self, source: str) -> None:
        position, length = 0, len(source)
        while position < length:
            token = _TOKEN.match(source, position)
            if token is None:  # a backslash at the end
                break
            position = token.end()
            kind = token.lastgroup
            if kind == "text":
                position += self._read_text(token[0], source, position)
            elif kind in ("word", "number"):
                word = token["word"]
                if word == "bin":
                    position += min(max(int(token["number"] or 0), 0), length)
                    self._to_skip = max(self._to_skip - 1, 0)
                else:
                    self._word(word, int(token["number"]) if token["number"] else None)
            elif kind == "hex":
                self._add_bytes(bytes([int(token["hex"], 16)]))
            elif kind == "brace":
                self._brace(token[0])
            elif kind == "symbol":
                self._symbol(token["symbol"])
        self.open_groups = len(self._stack)
        while self._stack:
            self._brace("}")
        self._flush()

    # Groups

    def _brace(self, brace: str) -> None:
        self._to_skip = 0
        self._starred = False
        if brace == "{":
            self._stack.append((self._state, self._closers))
            self._closers = []
        elif self._stack:
            if self._closers:
                self._flush()
            for close in reversed(self._closers):
                close()
            self._state, self._closers = self._stack.pop()

    def _skip(self) -> None:
        self._state = self._state._replace(sink=None, skipped=True)

    def _capture(self, done: Callable[[str], None]) -> None:
        """Give the characters of this group to ``done`` at its end."""
        flow = Flow()
        self._flush()
        self._state = self._state._replace(sink=flow)
        self._closers.append(lambda: done(flow.plain()))

    def _begin_flow(self, done: Callable[[str], None]) -> None:
        """Read this group as a text of its own, and give it to ``done``."""
        flow = Flow()
        self._flush()
        self._state = self._state._replace(sink=flow, flow=flow, in_table=False, depth=1, level=0)
        outline, self._outline = self._outline, 0

        def close() -> None:
            self._outline = outline
            done(flow.finish())

        self._closers.append(close)

    # Characters

    def _target(self) -> Flow | None:
        state = self._state
        if state.sink is state.flow and state.hidden:
            return self.hidden
        return self.deleted if state.sink is state.flow and state.deleted else state.sink

    def _add(self, text: str) -> None:
        self._flush()
        target = self._target()
        if target is not None:
            target.add(text)

    def _add_bytes(self, data: bytes) -> None:
        if self._to_skip:
            skipped = min(self._to_skip, len(data))
            self._to_skip -= skipped
            data = data[skipped:]
        target = self._target()
        if target is None or not data:
            return
        encoding = self._font_encoding()
        if target is not self._bytes_to or encoding != self._encoding:
            self._flush()
            self._bytes_to, self._encoding = target, encoding
        self._bytes += data

    def _read_text(self, text: str, source: str, position: int) -> int:
        r"""Take plain characters; return 1 if the \, { or } that follows is the second half of the last one."""
        self._add_bytes(text.encode("latin-1"))
        if position < len(source) and text[-1] >= "\x81" and self._encoding in DOUBLE_BYTE and self._bytes:
            escaped = source.startswith("\\'", position)
            inside = not escaped and ends_inside_character(bytes(self._bytes), self._encoding)
            if inside:
                self._add_bytes(source[position].encode("latin-1"))
            if not escaped:
                self._flush()  # no character is open, so the next check need not begin here
            return int(inside)
        return 0

    def _font_encoding(self) -> str:
        state = self._state
        if state.table:
            return self._default_encoding
        number = {"dbch": state.dbch, "rtlch": state.rtlch}.get(state.script, -1)
        number = state.font if number < 0 else number
        font = self._fonts.get(self._default_font if number < 0 else number)
        return font.encoding(self._default_encoding) if font else self._default_encoding

    def _flush(self) -> None:
        if self._bytes and self._bytes_to is not None:
            text = decode_bytes(bytes(self._bytes), self._encoding)
            self.unread += text.count("\ufffd")
            self._bytes_to.add(text)
        self._bytes.clear()

    def _unicode(self, number: int) -> None:
        code = number + 0x10000 if number < 0 else number
        if 0xF020 <= code <= 0xF0FF and self._font_encoding() in (SYMBOL, PICTURES):
            self._add(private_symbol(code, self._font_encoding()))
        elif 0 < code <= _MAX_CODE:
            self._add(chr(code))
        self._to_skip = self._state.fallbacks

    def _symbol(self, symbol: str) -> None:
        if symbol == "*":
            self._starred = True
        elif symbol in "\r\n":
            self._end_paragraph()
        elif self._to_skip:
            self._to_skip -= 1
        elif symbol in "\\{}":
            self._add_bytes(symbol.encode("ascii"))  # may be the second half of a two-byte character
        elif symbol in SYMBOLS:
            self._add(SYMBOLS[symbol])

    # Control words

    def _word(self, word: str, number: int | None) -> None:
        starred, self._starred = self._starred, False
        if self._to_skip:
            self._to_skip -= 1
            return
        if self._state.skipped or (self._state.ansi_copy and word != "ud"):
            return
        if word in SKIPPED or (starred and word not in STARRED):
            self._skip()
        elif word == "u":
            self._unicode(number or 0)
        elif word in SPECIAL:
            self._add(SPECIAL[word])
        elif not self._destination(word) and not self._table_word(word, number):
            self._property_word(word, number)

    def _destination(self, word: str) -> bool:
        """Begin the destination ``word``; return whether it is one."""
        state = self._state
        if state.table == "info" and word in ("title", "author", "creatim"):
            self._capture(lambda text: self._set_info(word, text))
        elif word in ("fonttbl", "stylesheet", "info"):
            self._capture(lambda _: None)
            self._closers.append(lambda: self._define(None))
            self._state = self._state._replace(table={"fonttbl": "fonts", "stylesheet": "styles"}.get(word, word))
        elif word in HEADERS:
            self._begin_flow(self._add_header)
        elif word == "footnote":
            self._begin_flow(self.footnotes.append)
        elif word == "annotation":
            self._begin_flow(self.comments.append)
        elif word == "nesttableprops":
            self._state = self._state._replace(inner_row=True)
        elif word in ("shptxt", "dptxbxtext"):
            self._begin_flow(state.flow.add_box)
        elif word in ("listtext", "pntext"):
            self._capture(lambda text: self._add_list_mark(state.flow, text))
        elif word == "upr":
            self._state = self._state._replace(outer=state.sink, sink=None, ansi_copy=True)
        elif word == "ud":
            self._state = self._state._replace(sink=state.outer, ansi_copy=False)
        elif word in ("pict", "object", "do", "shpinst", "sp", "picprop", "formfield"):
            self._begin_container(word)
        elif word == "result":
            self._state = self._state._replace(sink=state.flow)
        elif word in ("field", "fldinst", "fldrslt", "ffl"):
            self._field_part(word)
        elif word == "sn":
            self._capture(self._set_property)
        elif word == "sv":
            self._capture(self._take_property)
        elif FORMULA_PROPERTIES.fullmatch(word):
            self._skip()
        else:
            return False
        return True

    def _set_info(self, key: str, text: str) -> None:
        self.info.setdefault(key, text.strip())

    def _begin_container(self, word: str) -> None:
        """Leave the text of this group out, but not that of the destinations inside it."""
        self._state = self._state._replace(sink=None)
        if word == "pict":
            self.pictures += not self._object_depth
        elif word == "object":
            self.objects += 1
            self._object_depth += 1
            self._closers.append(self._end_object)

    def _end_object(self) -> None:
        self._object_depth -= 1

    def _set_property(self, name: str) -> None:
        self._property = name.strip()

    def _take_property(self, value: str) -> None:
        """Keep a picture's description and the letters of WordArt, which are properties of a shape."""
        if self._property in ("wzDescription", "gtextUNICODE") and value.strip():
            self.described += self._property == "wzDescription"
            self._state.flow.add_box(" ".join(value.split()))

    def _add_header(self, text: str) -> None:
        if any(map(str.isalpha, text)):
            self.headers[text] = None

    def _add_list_mark(self, flow: Flow, text: str) -> None:
        text = " ".join(text.split())
        is_number = any(map(str.isalnum, text)) and text != "o" and not _PRIVATE.search(text)
        flow.list_mark = f"{text} " if is_number else "* " if text else ""

    def _field_part(self, word: str) -> None:
        if word == "field":
            self._flush()
            self._fields.append(Field(length=self._state.flow.length))
            self._closers.append(self._end_field)
        elif not self._fields:
            return
        elif word == "fldinst":
            self._capture(self._set_instruction)
        elif word == "ffl":
            self._capture(self._fields[-1].items.append)
        elif PAGE_FIELD.match(self._fields[-1].instruction):
            self._skip()

    def _set_instruction(self, text: str) -> None:
        self._fields[-1].instruction += text

    def _end_field(self) -> None:
        """Add what a field without a result shows: a symbol, or the item chosen from a list."""
        ended = self._fields.pop()
        flow = self._state.flow
        if flow.length > ended.length or self._state.sink is not flow:
            return
        symbol = SYMBOL_FIELD.match(ended.instruction)
        if symbol and int(symbol[1]) <= _MAX_CODE:
            encoding = Font(symbol[3] or "").encoding(self._default_encoding)
            code = int(symbol[1])
            self._add(decode_bytes(bytes([code]), encoding) if code < 256 else chr(code))
        elif 0 <= ended.chosen < len(ended.items):
            self._add(ended.items[ended.chosen])

    # Tables and paragraphs

    def _table_word(self, word: str, number: int | None) -> bool:
        """Follow a control word of tables; return whether it is one."""
        state = self._state
        if word == "intbl":
            self._state = self._state._replace(in_table=True)
        elif word == "itap":
            self._state = self._state._replace(depth=min(max(number or 0, 1), MAX_NESTING), in_table=number != 0)
        elif word in ("trowd", "cellx", "clmrg", "clvmrg", "row", "cell", "nestcell", "nestrow"):
            if state.sink is state.flow:
                self._flush()
                state.flow.table_mark(word, number or 0, max(state.depth, 2), state.in_table, state.inner_row)
        else:
            return False
        return True

    def _end_paragraph(self) -> None:
        state = self._state
        self._flush()
        if state.sink is state.flow:
            state.flow.end_paragraph(state.level or self._outline or None, state.depth if state.in_table else 0)
            self._outline = 0
        elif state.sink is not None:
            state.sink.add(" ")

    # Properties

    def _property_word(self, word: str, number: int | None) -> None:
        """Follow a control word that sets a property of the document, paragraph or characters."""
        state, on = self._state, number != 0
        if word in PARAGRAPH_ENDS:
            self._end_paragraph()
        elif word == "pard":
            self._state = self._state._replace(in_table=False, depth=1, level=0)
            self._outline = self._outline if state.sink is not state.flow else 0
        elif word == "plain":
            self._state = self._state._replace(font=-1, script="", dbch=-1, rtlch=-1, hidden=False, deleted=False)
        elif word == "v":
            self.hidden.add(" ")
            self._state = self._state._replace(hidden=on)
        elif word in ("deleted", "mvf"):
            self.deleted.add(" ")
            self._state = self._state._replace(deleted=on)
        elif word in ("loch", "hich", "ltrch", "dbch", "rtlch"):
            self._state = self._state._replace(script=word if word in ("dbch", "rtlch") else "")
        elif number is None:
            if word in DOCUMENT_ENCODINGS:
                self._default_encoding = DOCUMENT_ENCODINGS[word]
        elif word in ("s", "cs", "ds", "ts") and state.table == "styles":
            self._define(number if word == "s" else None)
        elif word == "s":
            self._state = self._state._replace(level=self._styles.get(number, 0))
        elif word == "outlinelevel":
            self._set_outline(number)
        elif word == "uc":
            self._state = self._state._replace(fallbacks=max(number, 0))
        elif word in NUMBERS:
            self._number_word(word, number)

    def _set_outline(self, number: int) -> None:
        level = min(number + 1, 6) if 0 <= number < 9 else 0
        if self._state.table == "styles" and isinstance(self._defined, int):
            self._styles[self._defined] = level
        elif self._state.sink is self._state.flow:
            self._outline = level

    def _number_word(self, word: str, number: int) -> None:
        if word == "f" and self._state.table == "fonts":
            self._define(Font())
            if isinstance(self._defined, Font):
                self._fonts[number] = self._defined
        elif word == "f" or (word == "af" and self._state.script):
            self._set_font(self._state.script, number)
        elif word == "ansicpg":
            self._default_encoding = code_page_encoding(number) if number else DEFAULT_ENCODING
        elif word == "deff":
            self._default_font = number
        elif word in ("fcharset", "cpg") and isinstance(self._defined, Font):
            if word == "fcharset":
                self._defined.charset = number
            else:
                self._defined.code_page = number
        elif word in ("yr", "mo", "dy") and self._state.table == "info":
            self._add(f"{number:0{4 if word == 'yr' else 2}}-")
        elif word == "ffres" and self._fields:
            self._fields[-1].chosen = number

    def _set_font(self, script: str, number: int) -> None:
        """Set the font of East Asian (dbch), right-to-left (rtlch) or other text."""
        if script == "dbch":
            self._state = self._state._replace(dbch=number)
        elif script == "rtlch":
            self._state = self._state._replace(rtlch=number)
        else:
            self._state = self._state._replace(font=number)

    def _define(self, defined: Font | int | None) -> None:
        """End the definition of a font or style with its name, and begin another."""
        self._flush()
        sink = self._state.sink
        if sink is None:
            return
        name = sink.take_plain().partition(";")[0].strip()
        if isinstance(self._defined, Font):
            self._defined.name = name
        elif self._defined is not None and (heading := STYLE_NAME.match(name)):
            self._styles[self._defined] = int(heading[1])
        self._defined = defined
