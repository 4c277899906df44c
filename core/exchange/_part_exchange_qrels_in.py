"""Lines of a file of judgments into judgments on a collection's documents: all of them, or none where something is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from core.errors import DataError
from core.formats._part_exchange_qrels_lines import Line
from core.records.judgments import SAMPLES, SHARED, Judgment, free_split, normalised, query_id_of
from core.records.search import StoredDocument
from core.util.formatting import clip, plural

NAMED = 3  # documents that a note names


@dataclass
class Matching:
    """What a collection has, and what is made of a file's lines; ``into`` is the split they go into where they name none, or whatever they name."""

    file: str
    documents: Sequence[StoredDocument]
    queries: Mapping[str, str]  # text by id, of the file and of the collection
    here: Mapping[str, str]  # text by id, of the collection alone
    into: str
    always: bool = False  # whether every line goes there
    who: str = ""
    made: str = ""
    origin: str = ""
    asked: dict[str, str] = field(default_factory=dict)
    judged: dict[tuple[str, str, str, int, int], tuple[Judgment, str]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    missing: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._by_id = {document.document_id: document for document in self.documents}
        self._by_name: dict[str, list[StoredDocument]] = {}
        for document in self.documents:
            self._by_name.setdefault(document.name, []).append(document)

    def match(self, lines: Iterable[Line]) -> list[Judgment]:
        """Return the judgments. Raises DataError for lines that contradict others or themselves, and where nothing is left."""
        for line in lines:
            self.counts["lines"] += 1
            if line.split == SAMPLES and not self.always:
                self.counts["samples"] += 1
            elif line.grade is None:
                self.counts["unrated"] += 1
            else:
                self._add(line, line.grade)
        if not self.judged:
            raise DataError(f"{self.file} has no judgment that can be brought in: {'; '.join(self.notes) or 'it holds none'}")
        return [judgment for judgment, _ in self.judged.values()]

    @property
    def notes(self) -> tuple[str, ...]:
        """What was passed over, in words."""
        said = []
        if self.missing:
            named = ", ".join(clip(name, 60) for name in list(self.missing)[:NAMED])
            lines = sum(self.missing.values())
            more = ", …" if len(self.missing) > NAMED else ""
            said.append(f"{plural(lines, 'line')} {'names' if lines == 1 else 'name'} documents that are not here: {named}{more}")
        for what, words in (("unrated", "without a grade"), ("again", "said what another one says"), ("differ", "rated by several people: the highest grade counts"), ("samples", "of the sample library, whose judgments are built in")):
            if self.counts[what]:
                said.append(f"{plural(self.counts[what], 'line')} {words}")
        return tuple(said)

    def _add(self, line: Line, grade: int) -> None:
        document = self._document(line)
        if document is None:
            name = line.document or line.document_id
            self.missing[name] = self.missing.get(name, 0) + 1
            return
        start, end = (0, document.characters) if line.start is None or line.end is None else (line.start, line.end)
        if not 0 <= start < end <= document.characters:
            raise DataError(f"{line.about}: the characters {start} to {end} are not in {document.name!r}, which has {document.characters:,}: is it another text?")
        split = self.into if self.always or not line.split else line.split if line.split == SHARED else free_split(line.split)
        made = self.made if line.made is None else line.made
        judgment = Judgment(split, self._query(line, split), document.document_id, start, end, grade, line.origin or self.origin, line.who or self.who, made, line.note)
        self._keep(line, judgment)

    def _keep(self, line: Line, judgment: Judgment) -> None:
        """Keep a judgment unless it was there; two that differ are an error, but where people may differ."""
        there, about = self.judged.get(judgment.key, (judgment, line.about))
        if there is judgment:
            self.judged[judgment.key] = (judgment, line.about)
        elif line.several:
            self.counts["differ"] += 1
            self.judged[judgment.key] = (max(there, judgment, key=lambda one: one.grade), about)
        elif there.grade == judgment.grade:
            self.counts["again"] += 1
        else:
            raise DataError(
                f"{line.about}: {line.document or line.document_id!r} has grade {judgment.grade} for the query {line.query or line.query_id!r}, "
                f"and grade {there.grade} in {about}: keep one"
            )

    def _document(self, line: Line) -> StoredDocument | None:
        if line.document_id:
            return self._by_id.get(line.document_id)  # of the same name it may be another text
        named = self._by_name.get(line.document, [])
        if len(named) > 1:
            raise DataError(f"{line.about}: {len(named)} documents are called {line.document!r}: name one by its id")
        return named[0] if named else self._by_id.get(line.document)

    def _query(self, line: Line, split: str) -> str:
        """The id of the line's query, whose text is noted."""
        text = line.query or self.queries.get(line.query_id, "")
        if not normalised(text):
            what = f"nobody says what the query {line.query_id!r} asks: give the queries' texts too" if line.query_id else "the query is empty"
            raise DataError(f"{line.about}: {what}")
        query_id = query_id_of(text) if split == SHARED or not line.query_id else line.query_id
        if not query_id.isprintable() or any(map(str.isspace, query_id)):
            raise DataError(f"{line.about}: the query id {query_id!r} holds a space, which runs and qrels cannot carry: rename it")
        there = self.asked.get(query_id) or (text if split == SHARED else self.here.get(query_id, text))
        if normalised(there) != normalised(text):
            raise DataError(f"{line.about}: the query {query_id!r} asks {clip(text, 80)!r} here and {clip(there, 80)!r} elsewhere: give one of them another id")
        self.asked.setdefault(query_id, there)
        return query_id
