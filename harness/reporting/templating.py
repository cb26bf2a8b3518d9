"""The templates of a report, ours or a user's in their place, and how what they print is escaped.

Knows jinja2. Templates run sandboxed: a folder of them may come from anywhere.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    FileSystemLoader,
    PackageLoader,
    StrictUndefined,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment

from harness.errors import ConfigurationError
from harness.reporting import tables
from harness.reporting.escape import code, fence

NO_REPORT = ("card.md.j2", "diff.md.j2", "diff_task.md.j2", "diff.html.j2", "diff.css")
"""Templates of ours that no report is made from, so that replacing one would have no effect."""


def known_templates() -> list[str]:
    """Name the templates that a folder may replace."""
    return sorted(set(PackageLoader("harness.reporting").list_templates()) - {*NO_REPORT})


def environment(folder: Path | None = None) -> ImmutableSandboxedEnvironment:
    """Return the markdown templates' environment: what is printed is escaped for markdown.

    Args:
        folder: holds files that replace ours of the same name.

    Raises:
        ConfigurationError: if the folder is none, or holds a file of another name than ours.
    """
    environment = ImmutableSandboxedEnvironment(
        loader=_loader(folder),
        autoescape=False,  # that one is for HTML; finalize escapes for markdown
        undefined=StrictUndefined,
        finalize=tables.printed,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"code": code, "fence": fence, "at": tables.at}
    return environment


def html_environment(folder: Path | None = None) -> ImmutableSandboxedEnvironment:
    """Return the page's environment: what is printed is escaped for HTML, unless it is Markup.

    Args:
        folder: as in ``environment``.
    """
    return ImmutableSandboxedEnvironment(
        loader=_loader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def read_plain(name: str, folder: Path | None = None) -> str:
    """Read a style sheet or a script as it stands: braces in it are its own."""
    environment = html_environment(folder)
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


@contextmanager
def explained(folder: Path | None) -> Iterator[None]:
    """Turn what is wrong with a user's template into an error that names its file and line."""
    try:
        yield
    except TemplateSyntaxError as error:
        raise ConfigurationError(
            f"the template {error.name} in {folder}, line {error.lineno}: {error.message}"
        ) from error
    except TemplateNotFound as error:
        raise ConfigurationError(
            f"a template in {folder} includes {error.message!r}, which is in neither place; "
            f"known are: {', '.join(known_templates())}"
        ) from error
    except TemplateError as error:
        raise ConfigurationError(
            f"a template in {folder} can't be filled: {error.message}; what a template may print "
            "is in docs/reports.md"
        ) from error


def _loader(folder: Path | None) -> BaseLoader:
    ours = PackageLoader("harness.reporting")
    if folder is None:
        return ours
    if not folder.is_dir():
        raise ConfigurationError(f"--templates {folder} is no folder")
    theirs = FileSystemLoader(folder)
    visible = [name for name in theirs.list_templates() if not _is_hidden(name)]
    unknown = sorted(set(visible) - {*known_templates()})
    if unknown:
        raise ConfigurationError(
            f"--templates {folder} holds {', '.join(unknown)}, which replaces nothing; a report is "
            f"made from: {', '.join(known_templates())}"
        )
    return ChoiceLoader([theirs, ours])


def _is_hidden(name: str) -> bool:
    """Tell what editors and systems leave behind, such as .DS_Store."""
    return any(part.startswith(".") for part in name.split("/"))
