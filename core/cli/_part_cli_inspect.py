"""``python -m core fields`` and ``duplicates``: what is in a collection."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from core.settings import Settings
from core.util.formatting import clip, plural

if TYPE_CHECKING:  # they bring libraries with them, and help must come at once
    from core.library.duplicates import Duplicates
    from core.records._part_facets import Field

SHOWN = 5  # values of a field
DUPLICATES_HELP = """\
Chunks are duplicates whose texts are equal but for case and spaces, or whose vectors have at least the
threshold as cosine. Chains of such pairs make a group: its ends may be less alike than the threshold.
"""


def add_fields_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of fields."""
    parser.add_argument("collection")


def add_duplicates_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of duplicates."""
    parser.add_argument("collection")
    parser.add_argument("--threshold", type=float, default=0.95, metavar="COSINE", help="least cosine of near-duplicates, 0.5 to 1 (default 0.95)")


def fields(options: argparse.Namespace) -> int:
    """List the metadata fields of a collection."""
    from core.workspace import Workspace

    workspace = Workspace.open(Settings.from_environment())
    found = workspace.store.fields(workspace.store.collection(options.collection))
    if options.json:
        print(json.dumps([{**field.as_json(), "most_frequent": [said.value for said in field.values[:SHOWN]]} for field in found], ensure_ascii=False, indent=2))
        return 0
    for field in found:
        print(_line(field))
    if not found:
        print("The chunks of this collection have no metadata.")
    return 0


def duplicates(options: argparse.Namespace) -> int:
    """List groups of equal and nearly equal chunks."""
    from core.library.duplicates import find_duplicates
    from core.workspace import Workspace

    workspace = Workspace.open(Settings.from_environment())
    found = find_duplicates(workspace, workspace.store.collection(options.collection), options.threshold)
    print(json.dumps(found.as_json(), ensure_ascii=False, indent=2) if options.json else _groups(found))
    return 0


def _line(field: Field) -> str:
    from core.records._part_facets import spoken

    said = field.as_json()
    if "least" in said:
        what = f"{said['kind']}s from {said['least']} to {said['most']}"
    else:
        what = ", ".join(f"{clip(spoken(one.value), 40)} ({one.chunks:,})" for one in field.values[:SHOWN])
    return f"{field.name}  {plural(len(field.values), 'value')} in {plural(field.chunks, 'chunk')}: {what}" + (" …" if "least" not in said and len(field.values) > SHOWN else "")


def _groups(found: Duplicates) -> str:
    from core.library.duplicates import alike

    lines = []
    for number, group in enumerate(found.groups, 1):
        lines.append(f"{number:>3}  {plural(len(group), 'chunk')}: {clip(group[0].text, 90)}")
        for twin in group:
            page = f", page {twin.page}" if twin.page else ""
            lines.append(f"     {alike(twin, group[0]):<10}  {twin.document}{page}, characters {twin.start:,} to {twin.end:,}")
    lines.append(
        f"{plural(len(found.groups), 'group')} among {plural(found.chunks, 'chunk')} at a cosine of {found.threshold:g} or more; "
        f"{plural(found.spare, 'chunk')} could go"
    )
    return "\n".join(lines)
