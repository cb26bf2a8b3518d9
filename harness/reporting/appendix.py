"""With what a report's rollouts were drawn, as tables; every figure comes from the results."""

from collections.abc import Mapping

from harness.analysis.results import Results
from harness.reporting.escape import Markdown
from harness.reporting.tables import table

MEANINGS: Mapping[str, str] = {
    "weights": "fingerprint of target and baseline: their weights and configuration",
}
"""What a setting's name alone does not tell."""


def settings(results: Results) -> Markdown:
    """The resolved configuration, defaults included."""
    found = results.configuration
    rows = [("run seed", ", ".join(str(seed) for seed in found.run_seeds))]
    rows += [(one.name, one.value) for one in found.settings if one.name not in MEANINGS]
    rows += [(f"task argument {one.name}", one.value) for one in found.task_args]
    return table(["setting", "value"], rows)


def hashes(results: Results) -> Markdown:
    """What was compared and what was asked, by content."""
    found = results.configuration
    rows = [
        (f"{one.name}: {MEANINGS[one.name]}", one.value)
        for one in found.settings
        if one.name in MEANINGS
    ]
    named = f"dataset {found.dataset.name}" if found.dataset.name else "dataset"
    what = f"{named}: SHA-256 of {found.dataset.n_prompts} prompts with targets and metadata"
    return table(["what", "hash"], [*rows, (what, found.dataset.sha256)])


def versions(results: Results) -> Markdown:
    """The software that drew the rollouts."""
    found = results.configuration
    rows = [("inspect-amplify", found.version)]
    return table(
        ["package", "version"], [*rows, *((one.name, one.value) for one in found.packages)]
    )


def logs(results: Results) -> Markdown:
    """The files that were read."""
    rows = [
        (name, one.constraint)
        for one in (results, *results.constrained)
        for name in one.configuration.logs
    ]
    return table(["log", "constraint"], rows)
