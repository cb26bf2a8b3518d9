"""What several commands are given alike: alphas, constraints, assignments."""

import click
import yaml

from harness.constraint import Constraints, parse_constraints
from harness.errors import ConfigurationError, InvalidAlpha
from harness.model_name import parse_alpha


def parsed_alphas(ctx: click.Context, param: click.Parameter, text: str) -> tuple[float, ...]:
    """Read comma-separated strengths."""
    alphas = tuple(parse_alpha(part.strip()) for part in text.split(",") if part.strip())
    if not alphas:
        raise InvalidAlpha(f"--alphas '{text}' holds no number; write for instance 0,0.5,1")
    return alphas


def compositions(
    ctx: click.Context, param: click.Parameter, texts: tuple[str, ...]
) -> tuple[Constraints, ...]:
    """Read repeated constraints, each of kinds joined by colons."""
    return tuple(parse_constraints(text) for text in texts)


def assignments(
    ctx: click.Context, param: click.Parameter, texts: tuple[str, ...]
) -> dict[str, object]:
    """Read repeated key=value options; values are YAML, as in Inspect's own."""
    values: dict[str, object] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise ConfigurationError(f"'{text}' is not key=value")
        try:
            values[key] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise ConfigurationError(
                f"the value of '{text}' is not YAML; put quotes around it: {key}='\"...\"'"
            ) from error
    return values
