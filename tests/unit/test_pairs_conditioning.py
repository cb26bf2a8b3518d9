"""What a side adds to a conversation, message by message, and what a pair's sides then read."""

import pytest

from harness.decoding.engine import Engine
from harness.errors import UnsupportedRequest
from harness.pairs.chat import ChatText
from harness.pairs.conditioning import conditioned
from harness.pairs.loading import load_pair
from harness.pairs.side import Side, Turn
from harness.pairs.spec import PairSpec
from tests.fakes import FakePair, request, slow_rollout, tiny_model, tiny_tokenizer
from tests.unit.test_pairs_models import full_logits


def side(**given):
    return Side(checkpoint="x", **given)


def said(*turns):
    return [{"role": role, "content": content} for role, content in turns]


ASKED = said(("user", "Why?"))


def test_an_unconditioned_side_reads_what_was_said():
    messages = said(("system", "be"), ("user", "a"), ("assistant", "b"), ("user", "c"))
    assert conditioned(messages, side()) == messages


def test_the_sides_system_prompt_comes_first():
    assert conditioned(ASKED, side(system_prompt="Be brief.")) == said(
        ("system", "Be brief."), ("user", "Why?")
    )


def test_a_system_message_of_the_task_follows_the_sides_in_one_message():
    """Chat templates take one system message; the task's must not be lost."""
    messages = said(("system", "Answer in French."), ("user", "Why?"))
    assert conditioned(messages, side(system_prompt="Be brief.")) == said(
        ("system", "Be brief.\n\nAnswer in French."), ("user", "Why?")
    )


def test_examples_stand_between_the_system_prompt_and_the_conversation():
    shots = (Turn(user="1+1", assistant="2"), Turn(user="2+2", assistant="4"))
    assert conditioned(ASKED, side(system_prompt="s", few_shot=shots)) == said(
        ("system", "s"),
        ("user", "1+1"),
        ("assistant", "2"),
        ("user", "2+2"),
        ("assistant", "4"),
        ("user", "Why?"),
    )


def test_only_the_last_user_message_is_put_into_the_template():
    messages = said(("user", "a"), ("assistant", "b"), ("user", "c"))
    assert conditioned(messages, side(request="Kindly: {prompt}!")) == said(
        ("user", "a"), ("assistant", "b"), ("user", "Kindly: c!")
    )


def test_braces_in_a_request_and_its_template_are_text():
    """``str.format`` would take JSON in a template for a field."""
    messages = said(("user", "{x} {prompt}"))
    assert conditioned(messages, side(request='{"ask": "{prompt}"}')) == said(
        ("user", '{"ask": "{x} {prompt}"}')
    )


def test_a_template_needs_something_to_put_into_it():
    with pytest.raises(UnsupportedRequest, match="the conversation has no user message"):
        conditioned(said(("system", "be")), side(request="{prompt}?"))


def test_the_reply_begins_with_the_prefix():
    assert conditioned(ASKED, side(prefix="Well, ")) == said(
        ("user", "Why?"), ("assistant", "Well, ")
    )


def test_a_reply_that_the_task_has_begun_goes_on_after_the_prefix():
    messages = said(("user", "Why?"), ("assistant", "because"))
    assert conditioned(messages, side(prefix="Well, ")) == said(
        ("user", "Why?"), ("assistant", "Well, because")
    )


def test_the_conversation_itself_is_left_as_it_was():
    messages = said(("system", "be"), ("user", "Why?"))
    conditioned(messages, side(system_prompt="s", request="{prompt}", prefix="p"))
    assert messages == said(("system", "be"), ("user", "Why?"))


def test_a_template_without_a_system_role_says_what_to_write_instead():
    """Mistral's template raises for system messages."""
    template = (
        "{% for m in messages %}{% if m.role == 'system' %}"
        "{{ raise_exception('only user and assistant roles are supported') }}"
        "{% endif %}{{ m.content }}{% endfor %}"
    )
    chat = ChatText(tiny_tokenizer(template), "some/mistral")
    with pytest.raises(UnsupportedRequest) as caught:
        chat.prompt_ids(said(("system", "be"), ("user", "Why?")))
    assert "some/mistral does not take a conversation of system, user" in str(caught.value)
    assert "request = '... {prompt}'" in str(caught.value)


@pytest.fixture
def prompts_pair(llama_folder):
    """One model under two system prompts of different lengths."""
    return load_pair(
        PairSpec(
            name="prompts",
            target=Side(checkpoint=str(llama_folder), system_prompt="Be careful with everything."),
            baseline=Side(checkpoint=str(llama_folder), prefix="Ok"),
            device="cpu",
        )
    )


def test_each_side_of_a_pair_reads_its_own_prompt(prompts_pair):
    prompt = prompts_pair.prompt(ASKED)
    text = prompts_pair.chat.tokenizer.decode
    assert text(list(prompt.target_ids)) == (
        "<system>Be careful with everything.<eos><user>Why?<eos><assistant>"
    )
    assert text(list(prompt.baseline_ids)) == "<user>Why?<eos><assistant>Ok"


def test_two_prompts_of_one_model_decode_as_two_models_do(prompts_pair):
    """Rows whose sides have different lengths stay aligned on the reply."""
    model = tiny_model("llama")
    reference = FakePair(
        *[lambda ids: full_logits(model, ids).tolist()] * 2,
        prompts_pair.model.vocab_size,
        max_context=128,
    )
    prompts = [prompts_pair.prompt(said(("user", text))) for text in ("Why?", "a much longer one")]
    requests = [
        request(
            prompt.target_ids,
            baseline_prompt=prompt.baseline_ids,
            alpha=alpha,
            temperature=temperature,
            max_tokens=6,
            seed=3,
        )
        for prompt in prompts
        for alpha in (-1.0, 0.0, 1.5)
        for temperature in (0.0, 1.0)
    ]
    rollouts = Engine(prompts_pair.model, frozenset()).run(requests)
    expected = [slow_rollout(reference, asked).ids for asked in requests]
    assert [rollout.ids for rollout in rollouts] == expected


def test_equal_prompts_make_alpha_irrelevant(llama_folder):
    one = Side(checkpoint=str(llama_folder), system_prompt="Be careful.")
    pair = load_pair(PairSpec(name="same", target=one, baseline=one, device="cpu"))
    prompt = pair.prompt(ASKED)
    assert prompt.target_ids == prompt.baseline_ids
    requests = [
        request(prompt.target_ids, alpha=alpha, seed=1, max_tokens=8) for alpha in (-1.0, 0.0, 5.0)
    ]
    assert len({one.ids for one in Engine(pair.model, frozenset()).run(requests)}) == 1
