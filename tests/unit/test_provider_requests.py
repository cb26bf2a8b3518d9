"""What the provider is asked: it is found, refuses what it can't honour, and loads late."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from inspect_ai._util.error import PrerequisiteError
from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageTool,
    ChatMessageUser,
    Content,
    ContentAudio,
    ContentImage,
    ContentText,
    GenerateConfig,
    ModelOutput,
    get_model,
)
from inspect_ai.tool import ToolCall, ToolInfo

from harness.errors import ConfigurationError, UnknownArgument, UnsupportedRequest, WeightsError
from harness.provider.api import AmplifiedAPI
from harness.provider.arguments import ARGUMENTS, require_known_arguments
from tests.fakes import save_checkpoint, tiny_model

REFUSED: dict[str, Any] = {
    "best_of": 2,
    "frequency_penalty": 0.1,
    "presence_penalty": 0.1,
    "logit_bias": {5: 10},
    "num_choices": 2,
    "prompt_logprobs": 1,
    "reasoning_effort": "low",
    "reasoning_tokens": 100,
    "response_schema": {"name": "x", "json_schema": {"type": "object"}},
    "modalities": ["image"],
    "extra_body": {"top_a": 1},
}
"""Options that would change what is sampled and that the engine can't honour."""

Make = Callable[..., AmplifiedAPI]


@pytest.fixture
def make(llama_folder: Path, tmp_path: Path) -> Make:
    """Builds providers of one pair of tiny models, which no other test has loaded."""
    arguments = {"target": str(save_checkpoint(tiny_model("llama", seed=1), tmp_path))}

    def build(name: str = "tiny@1", **more: Any) -> AmplifiedAPI:
        return AmplifiedAPI(name, **{**arguments, "baseline": str(llama_folder), **more})

    return build


def ask(
    api: AmplifiedAPI,
    *messages: ChatMessage | str,
    tools: tuple[ToolInfo, ...] = (),
    **config: Any,
) -> ModelOutput:
    given = [ChatMessageUser(content=m) if isinstance(m, str) else m for m in messages or ("Hi",)]
    settings = GenerateConfig(**{"max_tokens": 2, **config})
    return asyncio.run(api.generate(given, list(tools), "auto", settings))


def fresh(code: str) -> str:
    """Run code in an interpreter that has imported nothing of ours."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_inspect_finds_the_provider_through_the_entry_point():
    """A load error there is only a log warning of Inspect's, so nothing else would show it."""
    code = "from inspect_ai.model import get_model\nprint(type(get_model('amplified/null@1').api))"
    assert fresh(code) == "<class 'harness.provider.api.AmplifiedAPI'>"


def test_importing_the_registry_imports_no_torch():
    code = (
        "import sys, harness._registry\nprint({'torch', 'transformers', 'peft'} & {*sys.modules})"
    )
    assert fresh(code) == "set()"


def test_every_argument_of_the_list_is_known():
    require_known_arguments(dict.fromkeys(ARGUMENTS))


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("adaptor", " (did you mean 'adapter'?);"),
        ("base_line", " (did you mean 'baseline'?);"),
        ("alhpa", ";"),
        ("model_path", ";"),
    ],
)
def test_an_unknown_argument_is_refused_with_the_likeliest_and_all_known_ones(
    given: str, hint: str
):
    with pytest.raises(UnknownArgument) as raised:
        require_known_arguments({given: 1})
    takes = f"amplified/ takes: {', '.join(ARGUMENTS)}"
    assert f"unknown model argument '{given}'{hint} {takes}" in str(raised.value)


def test_alpha_as_an_argument_is_told_to_stand_in_the_name():
    with pytest.raises(UnknownArgument, match="alpha stands in the model's name: amplified/ref"):
        require_known_arguments({"alpha": 1})


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("null@1", {"alhpa": 1}, "UnknownArgument: unknown model argument 'alhpa'"),
        ("null@nan", {}, "InvalidAlpha: alpha 'nan' is not a finite number"),
        ("null@", {}, "InvalidAlpha: alpha '' is not a finite number"),
        ("null@1@2", {}, "InvalidAlpha: alpha '1@2' is not a finite number"),
        (
            "null@1:frist=3",
            {},
            "InvalidConstraint: unknown constraint 'frist'. Did you mean 'first'",
        ),
        ("null@1:first=0", {}, "InvalidConstraint: constraint first=0: it takes a whole number"),
        ("@1", {}, "UnknownPair: model name '@1' names no pair"),
        ("refsuer@1", {}, "UnknownPair: unknown pair 'refsuer'. Did you mean 'refuser'?"),
        ("null@1", {"max_rows": 0}, "max_rows must be a whole number above 0, not 0"),
        ("null@1", {"memory_gb": 0}, "memory_gb must be a number above 0"),
        ("null@1", {"dtype": "float8"}, "dtype 'float8' is not one of float32, bfloat16"),
        ("null@1", {"adapter": "x"}, "'null' already says what is compared, so adapter=x can't"),
        ("mine@1", {"adapter": "x"}, "pair 'mine' has adapter=x but no baseline"),
        ("mine@1", {"baseline": "x"}, "pair 'mine' has a baseline but nothing that changed"),
    ],
)
def test_a_name_or_argument_that_is_impossible_is_an_error_that_inspect_prints_by_itself(
    name: str, arguments: dict[str, Any], said: str
):
    with pytest.raises(PrerequisiteError) as raised:
        get_model(f"amplified/{name}", memoize=False, **arguments)
    assert said in str(raised.value.message)


@pytest.mark.parametrize("option", REFUSED)
def test_an_option_that_cannot_be_honoured_is_refused_before_anything_is_loaded(
    make: Make, option: str
):
    api = make()
    with pytest.raises(UnsupportedRequest, match=f"amplified/ can't honour {option}="):
        ask(api, **{option: REFUSED[option]})
    assert api.n_weight_loads == 0


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("effort", "low"),
        ("verbosity", "low"),
        ("reasoning_mode", "pro"),
        ("fallback_models", ["openai/gpt-4o"]),
    ],
)
def test_an_option_about_how_or_by_whom_it_is_answered_is_not_dropped_in_silence(
    make: Make, option: str, value: Any
):
    with pytest.raises(UnsupportedRequest, match=option):
        ask(make(), **{option: value})


def test_tools_are_refused_by_their_names_before_anything_is_loaded(make: Make):
    api = make()
    tools = tuple(ToolInfo(name=name, description="") for name in ("bash", "look_up"))
    with pytest.raises(UnsupportedRequest, match="this task passes bash, look_up; use a task"):
        ask(api, tools=tools)
    assert api.n_weight_loads == 0


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("temperature", -1.0),
        ("temperature", float("nan")),
        ("top_p", 0.0),
        ("top_p", 1.5),
        ("top_logprobs", 21),
        ("max_tokens", 0),
        ("max_tokens", -1),
    ],
)
def test_a_setting_out_of_its_range_is_refused_by_name(make: Make, option: str, value: float):
    """``max_tokens=0`` was read as "not given" and sampled 256 tokens."""
    with pytest.raises(ConfigurationError, match=option):
        ask(make(), **{option: value})


@pytest.mark.parametrize("config", [{"num_choices": 1}, {"top_k": -1}, {"top_k": 0}, {"seed": -5}])
def test_settings_that_ask_for_nothing_special_are_accepted(make: Make, config: dict[str, Any]):
    assert ask(make(), **config).usage is not None


@pytest.mark.parametrize(
    ("part", "named"),
    [
        (ContentImage(image="data:image/png;base64,AA=="), "image"),
        (ContentAudio(audio="data:audio/wav;base64,AA==", format="wav"), "audio"),
    ],
)
def test_content_other_than_text_is_refused_by_its_kind(make: Make, part: Content, named: str):
    message = ChatMessageUser(content=[ContentText(text="Look:"), part])
    with pytest.raises(UnsupportedRequest, match=f"amplified/ reads text only, not {named}"):
        ask(make(), message)


def test_text_in_parts_is_read_as_one_text(make: Make):
    parts: list[Content] = [ContentText(text="One"), ContentText(text="Two")]
    api = make()
    in_parts = ask(api, ChatMessageUser(content=parts), seed=1)
    whole = ask(make(), ChatMessageUser(content=parts).text, seed=1)
    assert in_parts.completion == whole.completion
    assert in_parts.usage is not None
    assert whole.usage is not None
    assert in_parts.usage.input_tokens == whole.usage.input_tokens


@pytest.mark.parametrize(
    "message",
    [
        ChatMessageTool(content="4"),
        ChatMessageAssistant(
            content="", tool_calls=[ToolCall(id="1", function="add", arguments={})]
        ),
    ],
    ids=["result", "call"],
)
def test_messages_of_tools_are_refused(make: Make, message: ChatMessage):
    with pytest.raises(UnsupportedRequest, match="does not support tool messages"):
        ask(make(), "Hi", message)


def test_weights_are_loaded_at_the_first_generation_and_once_for_all_alphas(make: Make):
    one, two = make("tiny@1"), make("tiny@-1")
    assert (one.n_weight_loads, two.n_weight_loads) == (0, 0)
    ask(one)
    ask(two)
    ask(one)
    assert (one.n_weight_loads, two.n_weight_loads) == (1, 1)


def test_all_alphas_of_a_pair_share_their_connections_and_other_pairs_have_their_own(make: Make):
    one = make("tiny@1").connection_key()
    assert make("tiny@2").connection_key() == one
    assert make("tiny@1", dtype="bfloat16").connection_key() != one


def test_other_weights_than_those_expected_are_refused(make: Make):
    with pytest.raises(WeightsError, match="-M weights=0123456789abcdef was asked for: they have"):
        ask(make(weights="0123456789abcdef"))


def test_the_weights_that_a_log_names_are_accepted_again(make: Make):
    weights = (ask(make()).metadata or {})["config"]["weights"]
    assert (ask(make(weights=weights)).metadata or {})["config"]["weights"] == weights


def test_constraints_in_the_name_reach_the_settings_and_the_log(make: Make):
    metadata = ask(make("tiny@1:plausibility=0.1:first=10")).metadata or {}
    assert metadata["alpha"] == 1
    assert metadata["config"]["constraint"] == ["first=10", "plausibility=0.1"]
    assert (ask(make()).metadata or {})["config"]["constraint"] == []


def test_one_plausible_token_is_the_targets_likeliest_at_any_alpha(make: Make):
    greedy = ask(make("tiny@0"), temperature=0.0, max_tokens=8)
    constrained = ask(make("tiny@5:plausibility=1"), seed=1, max_tokens=8)
    assert constrained.completion == greedy.completion
    assert ask(make("tiny@5"), seed=1, max_tokens=8).completion != greedy.completion


def test_after_the_first_tokens_a_rollout_is_the_targets_own(make: Make):
    """The first token differs; from the second on no step is amplified, and the trace says so."""
    trace = (ask(make("tiny@6:first=1"), seed=1, max_tokens=3).metadata or {})["trace"]
    assert trace["alpha_applied"] == pytest.approx(6 / trace["n_tokens"])


def test_log_probabilities_are_given_where_nothing_else_is_measured(make: Make):
    asked = {"logprobs": True, "top_logprobs": 2, "seed": 1, "max_tokens": 3}
    traced, untraced = (ask(make(traces=kept), **asked).choices[0] for kept in (True, False))
    assert untraced.logprobs is not None
    assert untraced.logprobs == traced.logprobs


def test_the_log_says_whether_rounding_depends_on_the_batch(make: Make):
    plain = (ask(make()).metadata or {})["config"]
    assert plain["bit_stable"] is True
    assert "strict_rows" not in plain
    strict = (ask(make(strict=True, max_rows=3)).metadata or {})["config"]
    assert (strict["bit_stable"], strict["strict_rows"]) == (True, 3)


def test_tokens_are_counted_by_the_pairs_own_tokenizer(make: Make):
    """The tiny tokenizer has one token per byte."""
    assert asyncio.run(make().count_text_tokens("twelve bytes")) == 12
