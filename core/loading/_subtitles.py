"""Load subtitles as text: a line for each cue, with its begin and end in seconds."""

from __future__ import annotations

from pysubs2 import SSAFile
from pysubs2.exceptions import Pysubs2Error

from core.errors import DamagedFile, EmptyFile, WrongFileType
from core.loading._detection import reject_other_format
from core.loading._encoding import clean_text, decode
from core.records.document import Document, Time

SILENCE = 4.0  # seconds without a word, after which a paragraph begins
ARROW = "-->"


def load_subtitles(name: str, data: bytes) -> Document:
    """Return an .srt or .vtt file's words, with the times as spans. Raises LoadingError."""
    reject_other_format(name, data, "subtitles")
    decoded = decode(name, data)
    source = clean_text(decoded.text)
    if ARROW not in source:
        raise WrongFileType(f"{name} is not a file of subtitles, it has no times: rename it to .txt if it is text")
    cues = _cues(name, source)
    if not cues:
        raise EmptyFile(f"{name} holds no words in its subtitles: there is nothing to index in it")
    text, times, last, until = "", [], "", 0.0
    for lines, begin, end in cues:
        new_lines = lines[1:] if lines[0] == last else lines  # captions that roll repeat the line before
        last = lines[-1]
        if new_lines:
            text += ("\n\n" if begin - until > SILENCE else "\n") if text else ""
            words = " ".join(new_lines)
            times.append(Time(len(text), len(text) + len(words), begin, end))
            text, until = text + words, end
    return Document(name, text + "\n", size=len(data), times=tuple(times), notes=decoded.notes)


def _cues(name: str, source: str) -> list[tuple[list[str], float, float]]:
    """Lines, beginning and end in seconds of each cue that says something, in the order of time."""
    try:
        events = SSAFile.from_string(
            _without_comments(source), format_="vtt" if source.lstrip().startswith("WEBVTT") else "srt"
        )
    except (Pysubs2Error, ValueError, OverflowError) as error:
        raise DamagedFile(
            f"{name} is damaged (its times cannot be read: {error}): save it again as subtitles"
        ) from error
    if not len(events):
        raise DamagedFile(f"{name} is damaged (none of its times is whole): save it again as subtitles")
    cues = []
    for event in sorted(events, key=lambda event: event.start):
        lines = [" ".join(line.split()) for line in event.plaintext.split("\n")]
        lines = [line for line in lines if line]
        if lines:
            cues.append((lines, event.start / 1000, max(event.start, event.end) / 1000))
    return cues


def _without_comments(source: str) -> str:
    """The cues alone: WebVTT's notes, styles and regions are no words of the recording."""
    blocks = source.split("\n\n")
    return "\n\n".join(
        block for block in blocks if not block.lstrip("\n").startswith(("NOTE", "STYLE", "REGION")) or ARROW in block
    )
