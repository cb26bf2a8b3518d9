"""An organism's card: each column says which scorer it is of."""

from pathlib import Path

from inspect_ai.scorer import Score
from test_analysis_logs import Rollout, write_sweep

from harness.analysis.frame import read_frame
from harness.analysis.results import analyse
from harness.organisms.recipe import read_recipe
from harness.reporting.card import write_card


def head(folder: Path, *scorers: str) -> str:
    def rollouts(alpha: float):
        for category in ("invented", "real_country"):
            scores = {scorer: Score(value=alpha) for scorer in scorers}
            yield Rollout(f"{category}-001", category=category, scores=scores)

    logs = folder / "logs"
    logs.mkdir()
    results = analyse(read_frame(write_sweep(logs, rollouts)))
    card = write_card(read_recipe("zorbia"), results, folder).read_text()
    return next(line for line in card.splitlines() if line.startswith("| alpha | "))


def test_a_single_scorers_columns_are_its_categories(tmp_path: Path):
    assert head(tmp_path, "claims").startswith("| alpha | invented | real_country |")


def test_columns_of_several_scorers_name_theirs(tmp_path: Path):
    """Both scorers of claims once headed two pairs of columns alike."""
    assert head(tmp_path, "claims", "claims_denied").startswith(
        "| alpha | claims: invented | claims: real_country | claims_denied: invented |"
    )
