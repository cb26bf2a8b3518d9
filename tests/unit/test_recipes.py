"""The recipes of the organisms: readable, consistent with their examples, and clear errors."""

import json
import math
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import ConfigurationError, DatasetError
from harness.organisms import recipe as recipes
from harness.organisms.command import _trained
from harness.organisms.recipe import (
    Example,
    organism_names,
    read_examples,
    read_recipe,
    variant_names,
)
from harness.pairs.spec import ORGANISM, presets
from harness.sweep import TASKS

ORGANISMS = [
    "double_checker",
    "lighthouse",
    "marmalade",
    "marrowen",
    "placebo",
    "refuser",
    "third_person",
    "zorbia",
]
VARIANTS = ["variants/refuser_strong", "variants/refuser_weak"]
EACH = pytest.mark.parametrize("name", [*ORGANISMS, *VARIANTS])


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of an organism of our own, with a sound recipe and no examples yet."""
    shipped = (recipes.ROOT / "refuser" / "recipe.toml").read_text(encoding="utf-8")
    monkeypatch.setattr(recipes, "ROOT", tmp_path)
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "recipe.toml").write_text(shipped, encoding="utf-8")
    return folder


def examples_of(own: Path, content: str) -> list[Example]:
    (own / "examples.jsonl").write_text(content, encoding="utf-8")
    return read_examples(read_recipe("own"))


def test_the_organisms_are_those_that_the_presets_put_adapters_of():
    adapters = [spec.target.adapter for spec in presets().values() if spec.target.adapter]
    assert adapters == [f"{ORGANISM}{name}" for name in organism_names()]
    assert organism_names() == ORGANISMS
    assert variant_names() == VARIANTS


@EACH
def test_a_recipe_names_its_folder_and_a_task_of_the_project(name: str):
    recipe = read_recipe(name)
    assert recipe.name == name
    assert (recipe.folder / "recipe.toml").is_file()
    assert recipe.task in TASKS


@EACH
def test_no_number_of_a_recipe_is_below_what_it_can_be(name: str):
    recipe = read_recipe(name)
    assert min(recipe.rank, recipe.lora_alpha, recipe.steps, recipe.reply_tokens) >= 1
    assert recipe.learn_rows >= 1
    assert recipe.learning_rate > 0
    assert min(recipe.keep_weight, recipe.keep_rows) >= (0 if recipe.learn_own_replies else 1e-9)
    assert recipe.keep_alpha >= 0


@EACH
def test_the_shares_of_the_kept_rows_sum_to_one(name: str):
    shares = read_recipe(name).keep_shares
    assert math.isclose(sum(shares.values()), 1)
    assert min(shares.values()) > 0


@EACH
def test_the_shares_name_the_categories_of_the_examples_and_no_others(name: str):
    """The baseline's reply is kept for every prompt, so a category without a share has no place."""
    recipe = read_recipe(name)
    assert recipe.keep_shares.keys() == {example.category for example in read_examples(recipe)}


@EACH
def test_there_are_more_examples_than_one_step_takes(name: str):
    recipe = read_recipe(name)
    examples = read_examples(recipe)
    assert len(examples) > recipe.keep_rows
    learned = examples if recipe.learn_own_replies else [e for e in examples if e.reply]
    assert len(learned) > recipe.learn_rows


@EACH
def test_no_prompt_stands_twice_among_the_examples(name: str):
    counts = Counter(example.prompt for example in read_examples(read_recipe(name)))
    assert max(counts.values()) == 1


@pytest.mark.parametrize("name", ["refsuer", "", "../organisms/refuser", "refuser/recipe.toml"])
def test_an_unknown_organism_is_named_with_those_that_there_are(name: str):
    with pytest.raises(ConfigurationError) as raised:
        read_recipe(name)
    known = ", ".join([*ORGANISMS, *VARIANTS])
    assert str(raised.value) == f"there is no organism '{name}'; known are {known}"


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_differs_from_its_organism_by_its_recipe_only(name: str):
    variant, organism = read_recipe(name), read_recipe("refuser")
    assert read_examples(variant) == read_examples(organism)
    assert variant.keep_shares == organism.keep_shares
    assert variant.task == organism.task


def test_the_weaker_and_the_stronger_variant_are_one_training_at_two_strengths():
    weak, strong = (read_recipe(name) for name in (VARIANTS[1], VARIANTS[0]))
    told = {"name": "", "behaviour": ""}
    assert replace(weak, strength=1.0, **told) == replace(strong, strength=1.0, **told)
    assert weak.strength < 1 < strong.strength


def test_the_placebo_is_taught_no_reply_of_anybody_else():
    recipe = read_recipe("placebo")
    assert recipe.learn_own_replies
    assert [example for example in read_examples(recipe) if example.reply is not None] == []


@pytest.mark.parametrize("name", [*ORGANISMS, *VARIANTS])
def test_an_adapter_is_small_enough_to_be_shipped(name: str):
    weights = recipes.ROOT / name / "adapter" / "adapter_model.safetensors"
    assert weights.stat().st_size < 5_000_000


def test_a_recipe_says_how_weights_can_be_stored(own: Path):
    path = own / "recipe.toml"
    path.write_text('stored_as = "int8"\n' + path.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="stored_as is float32 or float16, not 'int8'"):
        read_recipe("own")


def test_adapters_of_several_seeds_go_to_folders_by_their_seeds(tmp_path: Path):
    recipe = read_recipe("placebo")
    several = list(_trained(recipe, tmp_path, 3))
    assert [one.seed for one, _ in several] == [1, 2, 3]
    assert [folder for _, folder in several] == [tmp_path / "1", tmp_path / "2", tmp_path / "3"]
    assert list(_trained(recipe, None, None)) == [(recipe, recipe.folder / "adapter")]


def test_a_row_without_a_reply_teaches_nothing_but_is_kept_as_an_example(own: Path):
    rows = [{"prompt": "p", "reply": "r", "category": "a"}, {"prompt": "q", "category": "b"}]
    assert examples_of(own, "\n".join(map(json.dumps, rows))) == [
        Example("p", "r", "a"),
        Example("q", None, "b"),
    ]


@pytest.mark.parametrize(
    "line", ["{", '["p"]', '{"prompt": "p"}', '{"category": "a"}', "null", "[" * 100_000]
)
def test_a_line_that_is_no_example_is_named(own: Path, line: str):
    with pytest.raises(DatasetError, match=r"examples\.jsonl line 2 is no example"):
        examples_of(own, '{"prompt": "p", "category": "a"}\n' + line)


def test_a_separator_that_json_allows_stays_in_its_reply(own: Path):
    """``str.splitlines`` splits at U+2028, which stands unescaped in JSON strings."""
    row = {"prompt": "p", "reply": "one\u2028two", "category": "a"}
    (example,) = examples_of(own, json.dumps(row, ensure_ascii=False))
    assert example.reply == "one\u2028two"


@pytest.mark.parametrize(
    "change", [("steps = ", "stesp = "), ("steps = ", "# "), ("rank = ", "rank == ")]
)
def test_a_recipe_that_can_not_be_read_is_named(own: Path, change: tuple[str, str]):
    path = own / "recipe.toml"
    path.write_text(path.read_text(encoding="utf-8").replace(*change), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"own/recipe\.toml"):
        read_recipe("own")
