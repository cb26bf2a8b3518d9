"""The JSON Schema of results.json, made from the dataclasses that it is written from.

Knows dataclasses and pydantic. The committed ``docs/results.schema.json`` is what this gives; write
it again with ``python -m harness.reporting.results_schema``.
"""

import ast
import dataclasses
import inspect
import json
import textwrap
import types
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any, ForwardRef, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, create_model

from harness.analysis.results import SCHEMA_VERSION, Results

SCHEMA_PATH = Path(__file__).parents[2] / "docs" / "results.schema.json"
"""In a checkout of the project."""

Models = dict[type, type[BaseModel]]


def results_schema() -> dict[str, Any]:
    """Return the JSON Schema that every results.json of this version satisfies."""
    version: Any = Literal[SCHEMA_VERSION]
    told = Field(description="Rises when a field changes its meaning or goes.")
    model = create_model("File", __base__=results_model(), schema_version=(version, told))
    schema = model.model_json_schema()
    _untitle(schema)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "results.json of inspect-amplify",
        **schema,
    }


def schema_text() -> str:
    """Return the schema as it is committed."""
    return json.dumps(results_schema(), indent=1) + "\n"


def results_model() -> type[BaseModel]:
    """Make a pydantic model with the fields that are written, docstrings as descriptions."""
    models: Models = {}
    model = _model(Results, models)
    for one in models.values():
        one.model_rebuild(_types_namespace={made.__name__: made for made in models.values()})
    return model


def _model(cls: type, models: Models) -> type[BaseModel]:
    """Turn a dataclass into a model; fields that are kept in memory only are left out."""
    hints, told = get_type_hints(cls), field_docstrings(cls)
    fields: dict[str, Any] = {
        one.name: (
            _written(hints[one.name], cls, models),
            Field(description=told.get(one.name)),
        )
        for one in dataclasses.fields(cls)
        if one.metadata.get("written", True)
    }
    models[cls] = create_model(
        cls.__name__,
        __config__=ConfigDict(extra="forbid"),
        __doc__=inspect.getdoc(cls),
        **fields,
    )
    return models[cls]


def _written(hint: Any, inside: type, models: Models) -> Any:
    """Replace dataclasses by their models wherever they stand in a type."""
    if hint is inside:
        return ForwardRef(inside.__name__)
    if dataclasses.is_dataclass(hint):
        assert isinstance(hint, type)
        return models.get(hint) or _model(hint, models)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return reduce(or_, (_written(one, inside, models) for one in arguments))
    if origin is tuple:
        return tuple[tuple(_written(one, inside, models) for one in arguments)]  # type: ignore[misc]
    return hint


def field_docstrings(cls: type) -> dict[str, str]:
    """Read the string under each field of a class from its source."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    assert isinstance(definition, ast.ClassDef)
    found = {}
    for field, below in zip(definition.body, definition.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
            and isinstance(below.value.value, str)
        ):
            found[field.target.id] = " ".join(below.value.value.split())
    return found


def _untitle(schema: Any) -> None:
    """Drop the titles that pydantic makes of names: they tell nothing more."""
    if isinstance(schema, dict):
        if isinstance(schema.get("title"), str):
            del schema["title"]
        for inner in schema.values():
            _untitle(inner)
    elif isinstance(schema, list):
        for inner in schema:
            _untitle(inner)


if __name__ == "__main__":
    SCHEMA_PATH.write_text(schema_text())
