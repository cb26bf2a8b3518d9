"""The command ``amplify``: its commands, and their errors as one clear line.

Each command is in a file of its own, in `commands` or in its room. Heavy modules are imported
inside the commands, so that ``--help`` answers at once.
"""

import sys
from typing import Any

import click
from rich.console import Console

import harness
from harness.bench.command import bench
from harness.commands.rate import rate
from harness.commands.report import report
from harness.commands.score import score
from harness.commands.sweep import sweep
from harness.diffing.command import diff
from harness.errors import AmplifyError
from harness.organisms.command import organisms
from harness.regression.command import check

EXIT_FAILED = 2
"""Exit code of every error that a message explains; click uses 2 for wrong usage as well."""

_console = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)


class _Group(click.Group):
    """Prints the project's own errors as one line instead of a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except AmplifyError as error:
            _console.print(f"[bold red]{type(error).__name__}[/]: ", end="")
            _console.print(str(error), markup=False)
            sys.exit(EXIT_FAILED)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(harness.__version__, prog_name="amplify")
def main() -> None:
    """Find what a change taught a language model, by amplifying the difference it made."""


for command in (sweep, report, diff, rate, score, check, organisms, bench):
    main.add_command(command)


@main.command()
def pairs() -> None:
    """List the pairs that need nothing but the installation."""
    from harness.pairs.spec import presets

    for name, spec in presets().items():
        click.echo(f"{name:14} {spec.description}")
