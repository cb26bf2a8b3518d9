"""Arrows between rooms point down, and what must import in a moment imports no torch."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "transformers", "peft")


def modules_of(*patterns: str) -> list[str]:
    """Return the dotted names of the modules that match, packages before their members."""
    paths = sorted(path for pattern in patterns for path in ROOT.glob(pattern))
    names = [path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".") for path in paths]
    return sorted(name.removesuffix(".__init__") for name in names)


def brought_along(modules: list[str], forbidden: tuple[str, ...]) -> dict[str, list[str]]:
    """Import modules one by one in a fresh process; return what each was the first to bring."""
    script = """
import importlib, json, sys
modules, forbidden = json.loads(sys.argv[1])
brought, seen = {}, set()
for module in modules:
    importlib.import_module(module)
    new = [f for f in forbidden if f in sys.modules and f not in seen]
    seen.update(new)
    if new:
        brought[module] = new
print(json.dumps(brought))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, json.dumps([modules, forbidden])],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    result: dict[str, list[str]] = json.loads(done.stdout)
    return result


LIGHT = modules_of(
    "harness/__init__.py",
    "harness/allocator.py",
    "harness/errors.py",
    "harness/graders.py",
    "harness/model_name.py",
    "harness/seeding.py",
    "harness/solver.py",
    "harness/sweep.py",
    "harness/traces/layout.py",
    "harness/traces/options.py",
    "harness/_registry.py",
    "harness/cli.py",
    "harness/commands/*.py",
    "harness/analysis/*.py",
    "harness/reporting/**/*.py",
    "harness/scorers/*.py",
    "tasks/*.py",
)


def test_the_rooms_that_need_no_weights_import_no_torch():
    assert {"harness._registry", "harness.cli", "harness.analysis.rates", "tasks.refusal"} < set(
        LIGHT
    )
    assert brought_along(LIGHT, HEAVY) == {}


def test_decoding_knows_tensors_and_nothing_above_them():
    modules = modules_of("harness/decoding/*.py")
    assert "harness.decoding.engine" in modules
    assert brought_along(modules, ("transformers", "peft", "tokenizers", "inspect_ai")) == {}


def test_naming_a_pair_imports_no_transformers():
    modules = ["harness.pairs", "harness.pairs.spec", "harness.pairs.vocabulary"]
    assert brought_along(modules, HEAVY) == {}


def imports_of(module: str) -> Iterator[str]:
    """Yield what a module's source imports, inside of functions as well."""
    path = ROOT / module.replace(".", "/")
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            assert node.level == 0, f"{module} imports relatively"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(name: str, rooms: tuple[str, ...]) -> bool:
    return any(name == room or name.startswith(f"{room}.") for room in rooms)


ENGINE_SIDE = ("harness.provider", "harness.pool", "harness.decoding", "harness.pairs")
ABOVE = (
    *ENGINE_SIDE,
    "harness.cli",
    "harness.commands",
    "harness.sweep",
    "harness.organisms",
    "harness.bench",
    "harness._registry",
)
TRACE_WRITING = ("harness.traces.collect", "harness.traces.file", "harness.traces.rows")

SHARED_LOOKS = ("harness.reporting", "harness.reporting.escape", "harness.reporting.tables")

FORBIDDEN = {
    # What scorers are measured on knows no scorer.
    "benchmarks/corruptions.py": ("harness", "tasks"),
    # What the engine is compared with shares no code with it.
    "harness/bench/reference_loops.py": ("harness", "tasks"),
    "harness/scorers/*.py": (*ABOVE, "harness.analysis", "harness.reporting", "tasks", *HEAVY),
    "harness/analysis/*.py": (*ABOVE, *TRACE_WRITING, "harness.reporting", "tasks", *HEAVY),
    "harness/traces/*.py": (
        *(room for room in ABOVE if room != "harness.decoding"),
        "harness.analysis",
        "harness.reporting",
        "tasks",
        *HEAVY,
    ),
    "harness/reporting/**/*.py": (
        *(room for room in ABOVE if room != "harness.organisms"),
        "harness.organisms.training",
        "tasks",
        *HEAVY,
    ),
    # It samples through sweeps, and shares with reports how text is escaped and tables look.
    "harness/regression/*.py": (
        *(room for room in ABOVE if room != "harness.sweep"),
        *(room for room in modules_of("harness/reporting/*.py") if room not in SHARED_LOOKS),
        "tasks",
        *HEAVY,
    ),
    "tasks/*.py": (*ENGINE_SIDE, "harness.analysis", "harness.reporting", *HEAVY),
    "harness/decoding/*.py": (
        *(room for room in ABOVE if room != "harness.decoding"),
        "harness.analysis",
        "harness.scorers",
        "harness.traces",
        "tasks",
        "inspect_ai",
        "transformers",
        "peft",
    ),
    "harness/pairs/*.py": (
        "harness.pool",
        "harness.provider",
        "harness.cli",
        "harness.sweep",
        "harness.analysis",
        "harness.scorers",
        "harness.traces",
        "tasks",
        "inspect_ai",
    ),
}


@pytest.mark.parametrize("pattern", FORBIDDEN)
def test_no_module_imports_from_a_room_above_it(pattern):
    modules = modules_of(pattern)
    assert modules
    upward = {
        (module, name)
        for module in modules
        for name in imports_of(module)
        if within(name, FORBIDDEN[pattern])
    }
    assert upward == set()


def test_only_pairs_training_and_the_loops_of_the_bench_import_transformers_and_peft():
    modules = modules_of("harness/**/*.py", "tasks/*.py")
    importers = {
        module.rpartition(".")[0]
        for module in modules
        for name in imports_of(module)
        if within(name, ("transformers", "peft"))
    }
    assert importers <= {"harness.pairs", "harness.organisms", "harness.bench"}
    assert "harness.pairs" in importers
