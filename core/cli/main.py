"""``python -m core``: the same engine for scripts and large jobs.

Results go to standard output, progress and errors to standard error. Exit status: 0 success, 1 a
failure, 2 a wrong call.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from core.cli import evaluate as cli_evaluate
from core.cli import exchange as cli_exchange
from core.cli import exchange as cli_judgments
from core.cli import indexing as cli_chunks
from core.cli import indexing as cli_index
from core.cli import map as cli_map
from core.cli import search as cli_inspect
from core.cli import search as cli_library
from core.cli import search as cli_search
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
    parser = argparse.ArgumentParser("python -m core", description=DESCRIPTION, epilog=EPILOG, formatter_class=plain)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(
        name: str, run: Callable[[argparse.Namespace], int], help_: str, more: str = ""
    ) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=help_, description=f"{help_}\n\n{more}".strip(), formatter_class=plain)
        made.set_defaults(command=run)
        made.add_argument("--json", action="store_true", help="print JSON instead of text")
        return made

    cli_index.add_index_options(
        command("index", cli_index.run_index, "Add files and folders to a collection.", cli_index.INDEX_HELP)
    )
    cli_search.add_options(
        command(
            "search", cli_search.run, "Ask a collection a question; prints the most similar chunks.", cli_search.HELP
        )
    )
    cli_chunks.add_chunks_options(
        command(
            "chunks",
            cli_chunks.run_chunks,
            "Show how a file would be cut, without indexing it.",
            cli_chunks.CHUNKS_HELP,
        )
    )
    command("collections", cli_library.collections, "List the collections.")
    command("documents", cli_library.documents, "List the documents of a collection.").add_argument("collection")
    cli_inspect.add_fields_options(
        command("fields", cli_inspect.fields, "List the metadata fields of a collection, for search --where.")
    )
    cli_inspect.add_duplicates_options(
        command(
            "duplicates",
            cli_inspect.duplicates,
            "List the chunks of a collection that say the same, or nearly.",
            cli_inspect.DUPLICATES_HELP,
        )
    )
    cli_library.add_delete_options(
        command("delete", cli_library.delete, "Delete a collection, or documents of it. It does not ask back.")
    )
    cli_exchange.add_import_options(
        command("import", cli_exchange.import_, "Bring a collection in.", cli_exchange.IMPORT_HELP)
    )
    cli_exchange.add_export_options(
        command("export", cli_exchange.export, "Write a collection into one file, for 'import' elsewhere.")
    )
    cli_exchange.add_copy_options(
        command("copy", cli_exchange.copy, "Make a collection once more with other settings.", cli_exchange.COPY_HELP)
    )
    cli_exchange.add_rename_options(command("rename", cli_exchange.rename, "Give a collection another name."))
    cli_judgments.add_options(
        command(
            "judgments", cli_judgments.run, "List, import or export the judgments of a collection.", cli_judgments.HELP
        )
    )
    cli_map.add_options(
        command(
            "map",
            cli_map.run,
            "Draw a collection's embedding space in two dimensions, into a page or a table.",
            cli_map.HELP,
        )
    )
    cli_evaluate.add_options(
        command("evaluate", cli_evaluate.evaluate, "Measure how well systems answer judged queries.", cli_evaluate.HELP)
    )
    return parser
