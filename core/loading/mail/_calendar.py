"""Calendar entries in mails (iCalendar, RFC 5545): what, when and where, in lines that a person reads."""

from __future__ import annotations

import re
from collections.abc import Iterator

_FOLD = re.compile(r"\r?\n[ \t]")
_LINE = re.compile(r"([A-Za-z-]+)((?:;[^:\";]*(?:\"[^\"]*\"[^:\";]*)*)*):(.*)")
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)\d\d(Z?))?")
_ESCAPED = re.compile(r"\\([\\;,nN])")
_LABELS = {
    "SUMMARY": "",
    "DTSTART": "Start",
    "DTEND": "End",
    "DUE": "Due",
    "LOCATION": "Place",
    "ORGANIZER": "Organizer",
    "ATTENDEE": "Attendee",
    "STATUS": "Status",
    "DESCRIPTION": "",
    "COMMENT": "",
}
_ENTRIES = ("VEVENT", "VTODO", "VJOURNAL")
_PEOPLE = ("ORGANIZER", "ATTENDEE")


def calendar_lines(text: str) -> list[str]:
    """Return the lines of all events and tasks of a calendar: summary, times, place, people, description."""
    lines: list[str] = []
    inside = ""
    for name, parameters, value in _properties(text):
        if name == "BEGIN":
            inside = value.upper()
        elif name == "END":
            inside = "VEVENT" if value.upper() == "VALARM" else ""
        elif inside in _ENTRIES and name in _LABELS and value.strip():
            label = _LABELS[name]
            said = _person(parameters, value) if name in _PEOPLE else _shown(parameters, value)
            lines.append(f"{label}: {said}" if label else said)
    return lines


def calendar_id(text: str) -> str:
    """Return the identity of a calendar's first entry, by which copies of it are told; empty where it has none."""
    return next((value for name, _, value in _properties(text) if name == "UID"), "")


def _properties(text: str) -> Iterator[tuple[str, str, str]]:
    for line in _FOLD.sub("", text).splitlines():
        match = _LINE.match(line)
        if match:
            yield match[1].upper(), match[2], match[3]


def _shown(parameters: str, value: str) -> str:
    moment = _TIME.fullmatch(value.strip())
    if moment:
        year, month, day, hour, minute, utc = moment.groups()
        zone = re.search(r"TZID=\"?([^;\":]+)", parameters, re.IGNORECASE)
        clock = f" {hour}:{minute}" if hour else ""
        return f"{year}-{month}-{day}{clock}" + (" UTC" if utc else f" ({zone[1]})" if zone and hour else "")
    return _ESCAPED.sub(lambda match: "\n" if match[1] in "nN" else match[1], value).strip()


def _person(parameters: str, value: str) -> str:
    name = re.search(r"CN=(?:\"([^\"]*)\"|([^;:]*))", parameters, re.IGNORECASE)
    address = re.sub(r"^mailto:", "", value.strip(), flags=re.IGNORECASE)
    called = (name[1] or name[2] or "").strip() if name else ""
    return f"{called} <{address}>" if called and called != address else address
