"""``python -m core``: the same engine for scripts and large jobs.

Results go to standard output, progress and errors to standard error. Exit status: 0 success, 1 a
failure, 2 a wrong call.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from core.cli import evaluate, exchange, indexing, search
from core.cli import map as map_command
from core.errors import QueryError, RankscopeError, SettingsError
from core.settings import quiet_environment

DESCRIPTION = """\
Index documents and search them by meaning, from the shell. The collections are the ones that
the app shows: both work on the same data folder.

  python -m core index manuals/ --collection manuals
  python -m core search manuals "how do I reset the device?" --top-k 5
  python -m core search manuals "how do I reset the device?" --rerank --pool 100
  python -m core chunks manual.pdf --chunking sections --json
  python -m core documents manuals --json
  python -m core map manuals --out manuals.html --query "how do I reset the device?"
  python -m core evaluate collections/scifact --systems bi,bi+cross
"""
EPILOG = """\
The data folder is $RANKSCOPE_DATA, by default the platform's user data folder. Every command
takes --json and --help. Exit status: 0 success, 1 a failure, 2 a wrong call.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status."""
    quiet_environment()
    options = _parser().parse_args(arguments)
    try:
        command: Callable[[argparse.Namespace], int] = options.command
        return command(options)
    except (SettingsError, QueryError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except RankscopeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("error: interrupted; what was stored before is kept", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader, such as head, has seen enough
        sys.stderr.close()
        return 0


def _parser() -> argparse.ArgumentParser:
    plain = argparse.RawDescriptionHelpFormatter
    program = argparse.ArgumentParser("python -m core", description=DESCRIPTION, epilog=EPILOG, formatter_class=plain)
    commands = program.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(
        name: str, run: Callable[[argparse.Namespace], int], summary: str, details: str = ""
    ) -> argparse.ArgumentParser:
        parser = commands.add_parser(
            name, help=summary, description=f"{summary}\n\n{details}".strip(), formatter_class=plain
        )
        parser.set_defaults(command=run)
        parser.add_argument("--json", action="store_true", help="print JSON instead of text")
        return parser

    indexing.add_index_options(
        command("index", indexing.run_index, "Add files and folders to a collection.", indexing.INDEX_HELP)
    )
    search.add_options(
        command("search", search.run, "Ask a collection a question; prints the most similar chunks.", search.HELP)
    )
    indexing.add_chunks_options(
        command(
            "chunks",
            indexing.run_chunks,
            "Show how a file would be cut, without indexing it.",
            indexing.CHUNKS_HELP,
        )
    )
    command("collections", search.collections, "List the collections.")
    command("documents", search.documents, "List the documents of a collection.").add_argument("collection")
    search.add_fields_options(
        command("fields", search.fields, "List the metadata fields of a collection, for search --where.")
    )
    search.add_duplicates_options(
        command(
            "duplicates",
            search.duplicates,
            "List the chunks of a collection that say the same, or nearly.",
            search.DUPLICATES_HELP,
        )
    )
    search.add_delete_options(
        command("delete", search.delete, "Delete a collection, or documents of it. It does not ask back.")
    )
    exchange.add_import_options(command("import", exchange.import_, "Bring a collection in.", exchange.IMPORT_HELP))
    exchange.add_export_options(
        command("export", exchange.export, "Write a collection into one file, for 'import' elsewhere.")
    )
    exchange.add_copy_options(
        command("copy", exchange.copy, "Make a collection once more with other settings.", exchange.COPY_HELP)
    )
    exchange.add_rename_options(command("rename", exchange.rename, "Give a collection another name."))
    exchange.add_options(
        command("judgments", exchange.run, "List, import or export the judgments of a collection.", exchange.HELP)
    )
    map_command.add_options(
        command(
            "map",
            map_command.run,
            "Draw a collection's embedding space in two dimensions, into a page or a table.",
            map_command.HELP,
        )
    )
    evaluate.add_options(
        command("evaluate", evaluate.evaluate, "Measure how well systems answer judged queries.", evaluate.HELP)
    )
    return program
