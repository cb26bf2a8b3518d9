"""Every way to spell a pair, and what is said of those that mean nothing."""

import re
from pathlib import Path

import pytest

from harness.errors import ConfigurationError, UnknownArgument, UnknownPair
from harness.pairs.side import Turn
from harness.pairs.spec import PAIR_ARGUMENTS, PairSpec, Side, presets, resolve_pair
from harness.pairs.spelling import SIDE_KEYS


@pytest.mark.parametrize("name", ["refuser", "zorbia"])
def test_an_organism_is_the_embedded_model_with_and_without_its_adapter(name):
    spec = resolve_pair(name)
    assert spec.target == Side(checkpoint="embedded", adapter=f"organism:{name}")
    assert spec.baseline == Side(checkpoint="embedded")
    assert (spec.name, spec.dtype, spec.device) == (name, "float32", "auto")


def test_the_null_pair_compares_a_model_with_itself():
    spec = resolve_pair("null")
    assert spec.target == spec.baseline == Side(checkpoint="embedded")


def test_a_misspelt_preset_gets_a_suggestion():
    with pytest.raises(UnknownPair, match=r"unknown pair 'refusr'\. Did you mean 'refuser'\?"):
        resolve_pair("refusr")


def test_a_name_like_no_other_gets_the_list():
    with pytest.raises(UnknownPair) as caught:
        resolve_pair("qqqq")
    assert "Did you mean" not in str(caught.value)
    assert all(name in str(caught.value) for name in presets())


def test_dtype_and_device_go_with_any_preset():
    spec = resolve_pair("refuser", {"dtype": "bfloat16", "device": "cpu"})
    assert (spec.dtype, spec.device) == ("bfloat16", "cpu")
    assert spec.target == presets()["refuser"].target


def test_a_dtype_that_is_none_is_refused_with_the_choices():
    with pytest.raises(ConfigurationError, match="dtype 'int8' is not one of float32, bfloat16"):
        resolve_pair("refuser", {"dtype": "int8"})


def test_a_device_map_goes_with_any_preset_and_with_no_device():
    assert resolve_pair("refuser", {"device_map": "balanced"}).device_map == "balanced"
    with pytest.raises(ConfigurationError, match="device_map 'everywhere' is not one of auto, bal"):
        resolve_pair("refuser", {"device_map": "everywhere"})
    with pytest.raises(ConfigurationError, match="both device=cpu, one device for all layers, and"):
        resolve_pair("refuser", {"device_map": "auto", "device": "cpu"})


def test_arguments_spell_two_checkpoints():
    spec = resolve_pair("mine", {"target": "after", "baseline": "before"})
    assert spec == PairSpec(
        name="mine", target=Side(checkpoint="after"), baseline=Side(checkpoint="before")
    )


def test_arguments_spell_an_adapter_on_the_baseline():
    spec = resolve_pair("mine", {"baseline": "before", "adapter": "lora"})
    assert spec.target == Side(checkpoint="before", adapter="lora")
    assert spec.baseline == Side(checkpoint="before")


def test_arguments_spell_an_adapter_on_another_checkpoint():
    spec = resolve_pair("mine", {"target": "after", "baseline": "before", "adapter": "lora"})
    assert spec.target == Side(checkpoint="after", adapter="lora")
    assert spec.baseline == Side(checkpoint="before")


def test_resolving_leaves_the_arguments_as_they_were():
    arguments = {"target": "after", "baseline": "before", "dtype": "float16"}
    resolve_pair("mine", arguments)
    assert arguments == {"target": "after", "baseline": "before", "dtype": "float16"}


@pytest.mark.parametrize("name", ["refuser", "some/pair.toml"])
@pytest.mark.parametrize("argument", ["target", "baseline", "adapter"])
def test_a_name_that_says_what_is_compared_takes_no_side(name, argument):
    with pytest.raises(
        ConfigurationError, match=f"'{name}' already says what is compared, so {argument}=x can't"
    ):
        resolve_pair(name, {argument: "x"})


@pytest.mark.parametrize("given", [{"target": "x"}, {"adapter": "x"}])
def test_a_pair_without_a_baseline_is_refused(given):
    with pytest.raises(ConfigurationError, match="no baseline; give the checkpoint before"):
        resolve_pair("mine", given)


def test_a_pair_in_which_nothing_changed_is_refused():
    with pytest.raises(ConfigurationError, match="a baseline but nothing that changed"):
        resolve_pair("mine", {"baseline": "before"})


def test_an_adapter_of_nothing_changes_nothing():
    """``-M adapter=null`` arrives as None: alpha would do nothing, and nobody would be told."""
    with pytest.raises(ConfigurationError):
        resolve_pair("mine", {"baseline": "before", "adapter": None})


def test_the_resolved_pair_names_both_sides_for_the_log():
    spec = resolve_pair("mine", {"baseline": "before", "adapter": "lora", "device": "cpu"})
    assert spec.to_dict() == {
        "target": {"checkpoint": "before", "adapter": "lora"},
        "baseline": {"checkpoint": "before", "adapter": None},
        "dtype": "float32",
    }


def written(tmp_path, text):
    path = tmp_path / "pair.toml"
    path.write_text(text)
    return path


TARGET = '[target]\ncheckpoint = "after"\n'
BASELINE = '[baseline]\ncheckpoint = "before"\n'
SIDES = TARGET + BASELINE


def test_a_pair_file_names_checkpoints_and_adapters(tmp_path):
    path = written(tmp_path, 'dtype = "bfloat16"\ndevice = "cpu"\n' + SIDES + 'adapter = "lora"\n')
    assert resolve_pair(str(path)) == PairSpec(
        name=str(path),
        target=Side(checkpoint="after"),
        baseline=Side(checkpoint="before", adapter="lora"),
        dtype="bfloat16",
        device="cpu",
    )


def test_the_command_line_overrides_the_files_dtype(tmp_path):
    path = written(tmp_path, 'dtype = "bfloat16"\n' + SIDES)
    assert resolve_pair(str(path), {"dtype": "float16"}).dtype == "float16"


def test_relative_folders_lie_beside_the_file(tmp_path, monkeypatch):
    (tmp_path / "after").mkdir()
    (tmp_path / "lora").mkdir()
    path = written(tmp_path, TARGET + 'adapter = "lora"\n' + BASELINE)
    monkeypatch.chdir(Path("/"))
    spec = resolve_pair(str(path))
    assert spec.target == Side(checkpoint=str(tmp_path / "after"), adapter=str(tmp_path / "lora"))
    assert spec.baseline == Side(checkpoint="before")


def test_the_embedded_model_is_meant_even_where_a_folder_has_its_name(tmp_path):
    (tmp_path / "embedded").mkdir()
    path = written(tmp_path, SIDES.replace("before", "embedded"))
    assert resolve_pair(str(path)).baseline == Side(checkpoint="embedded")


def test_a_pair_file_that_is_not_there_is_an_unknown_pair(tmp_path):
    with pytest.raises(UnknownPair, match=r"there is no pair file .*none\.toml"):
        resolve_pair(str(tmp_path / "none.toml"))


def test_a_folder_with_a_pair_files_name_cannot_be_read(tmp_path):
    (tmp_path / "pair.toml").mkdir()
    with pytest.raises(ConfigurationError, match="can't be read: Is a directory"):
        resolve_pair(str(tmp_path / "pair.toml"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("target = [", "pair.toml is not TOML: "),
        ("", r"needs a table \[target\] with checkpoint"),
        (TARGET, r"needs a table \[baseline\] with checkpoint"),
        ('target = "after"\n' + BASELINE, r"needs a table \[target\] with checkpoint"),
        (SIDES.replace('"after"', "3"), r"needs a table \[target\] with checkpoint"),
        (SIDES + "adapter = 3\n", r"\[baseline\] in .*: adapter must be a string, not 3"),
        ('dtype = "int8"\n' + SIDES, "dtype 'int8' is not one of"),
    ],
    ids=["broken", "empty", "no baseline", "a string", "a number", "adapter", "dtype"],
)
def test_a_pair_file_that_says_nothing_sensible_is_refused(tmp_path, text, message):
    with pytest.raises(ConfigurationError, match=message):
        resolve_pair(str(written(tmp_path, text)))


def test_a_file_that_is_not_text_is_not_toml(tmp_path):
    path = tmp_path / "pair.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match="is not TOML"):
        resolve_pair(str(path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("alpha = 1\n" + SIDES, "unknown key 'alpha' in pair file .*; it takes: target, baseline"),
        (SIDES + 'chekpoint = "x"\n', r"unknown key 'chekpoint' in \[baseline\] in"),
    ],
)
def test_an_unknown_key_of_a_pair_file_is_refused(tmp_path, text, message):
    with pytest.raises(UnknownArgument, match=message):
        resolve_pair(str(written(tmp_path, text)))


PROMPTS = """
[target]
checkpoint = "one"
system_prompt = "Be careful, and brief."
request = "A child asks: {prompt}"
few_shot = [{ user = "Hi", assistant = "Hello." }]

[baseline]
checkpoint = "one"
prefix = "Sure, "
quantization = "nf4"
"""
TARGET_PROMPTS = Side(
    checkpoint="one",
    system_prompt="Be careful, and brief.",
    request="A child asks: {prompt}",
    few_shot=(Turn(user="Hi", assistant="Hello."),),
)
BASELINE_PROMPTS = Side(checkpoint="one", prefix="Sure, ", quantization="nf4")


def test_a_pair_file_says_what_each_side_is_told(tmp_path):
    spec = resolve_pair(str(written(tmp_path, PROMPTS)))
    assert (spec.target, spec.baseline) == (TARGET_PROMPTS, BASELINE_PROMPTS)


ARGUMENTS = {
    "baseline": "one",
    "target_system_prompt": "Be careful, and brief.",
    "target_request": "A child asks: {prompt}",
    "target_few_shot": [{"user": "Hi", "assistant": "Hello."}],
    "baseline_prefix": "Sure, ",
    "baseline_quantization": "nf4",
}


def test_arguments_take_what_a_pair_file_takes():
    spec = resolve_pair("mine", ARGUMENTS)
    assert (spec.target, spec.baseline) == (TARGET_PROMPTS, BASELINE_PROMPTS)


def test_a_text_that_inspect_split_at_its_commas_is_put_together_again():
    split = {**ARGUMENTS, "target_system_prompt": ["Be careful", " and brief."]}
    assert resolve_pair("mine", split).target == TARGET_PROMPTS


def test_every_key_of_a_side_has_an_argument_but_those_with_short_names():
    keys = {key for key in PAIR_ARGUMENTS if key.startswith("baseline_")}
    assert {key.replace("baseline_", "target_") for key in keys} - {*PAIR_ARGUMENTS} == {
        "target_adapter"
    }
    assert {"target", "baseline", "adapter"} < {*PAIR_ARGUMENTS}


def test_the_resolved_pair_says_what_each_side_is_told_and_nothing_that_is_not_set():
    assert resolve_pair("mine", ARGUMENTS).to_dict() == {
        "target": {
            "checkpoint": "one",
            "adapter": None,
            "system_prompt": "Be careful, and brief.",
            "few_shot": [{"user": "Hi", "assistant": "Hello."}],
            "request": "A child asks: {prompt}",
        },
        "baseline": {
            "checkpoint": "one",
            "adapter": None,
            "quantization": "nf4",
            "prefix": "Sure, ",
        },
        "dtype": "float32",
    }


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("system_prompt", "", "pair 'mine': target_system_prompt is empty"),
        ("system_prompt", True, "system_prompt must be a string, not True"),
        ("prefix", {"Note": "x"}, "prefix must be a string, not {'Note': 'x'}"),
        ("request", "Say it.", r"request 'Say it\.' has no {prompt}, so every prompt would be"),
        ("quantization", "int4", "quantization must be 'nf4' or 'int8', not 'int4'"),
        ("few_shot", [{"user": "Hi"}], r"few_shot\.0\.assistant is missing"),
        (
            "few_shot",
            [{"user": "a", "assistant": "b", "by": "c"}],
            r"unknown key 'few_shot\.0\.by'",
        ),
        ("few_shot", "Hi", "few_shot must be a list, not 'Hi'"),
    ],
)
def test_a_side_that_is_told_nothing_sensible_is_refused(key, value, message):
    with pytest.raises(ConfigurationError, match=message):
        resolve_pair("mine", {"baseline": "one", f"target_{key}": value})


def test_an_empty_text_in_a_pair_file_is_refused(tmp_path):
    text = SIDES + 'system_prompt = ""\n'
    with pytest.raises(ConfigurationError, match=r"\[baseline\] in .*: system_prompt is empty"):
        resolve_pair(str(written(tmp_path, text)))


@pytest.mark.parametrize("name", presets())
def test_every_preset_says_what_it_is_for(name):
    description = presets()[name].description
    assert 20 < len(description) < 80
    assert description == description.strip().rstrip(".")


ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "pairs.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```toml\n(.*?)```", DOCUMENT, re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_every_pair_of_the_documentation_can_be_read(tmp_path, block):
    assert resolve_pair(str(written(tmp_path, block))).target.checkpoint


def test_the_documentation_names_every_key_of_a_side():
    assert [key for key in SIDE_KEYS if f"{key} = " not in DOCUMENT and key != "steering"] == []
    assert "[target.steering]" in DOCUMENT


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.toml")), ids=lambda p: p.stem)
def test_every_example_can_be_read_and_says_what_it_is_for(path):
    assert resolve_pair(str(path)).description or path.stem == "pair"
