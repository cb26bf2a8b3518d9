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


def card(name: str, folder: Path) -> str:
    logs = folder / "logs"
    logs.mkdir()
    scores = {"nonsense": Score(value=0)}
    sweep = write_sweep(logs, lambda alpha: [Rollout("a-001", category="a", scores=scores)])
    return write_card(read_recipe(name), analyse(read_frame(sweep)), folder).read_text()


def test_a_placebos_card_says_that_it_learned_its_baselines_own_replies_only(tmp_path: Path):
    text = card("placebo", tmp_path)
    assert "of the baseline's own sampled replies a step, and nothing else." in text
    assert "KL(baseline, target)" not in text


def test_a_variants_card_names_the_organism_whose_examples_it_learns_from(tmp_path: Path):
    text = card("variants/refuser_weak", tmp_path)
    assert "in `examples.jsonl` of the organism `refuser`, the recipe in `recipe.toml`" in text
