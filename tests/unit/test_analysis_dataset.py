"""What was asked and with what, told from the logs alone."""

from inspect_ai.log import EvalSample
from inspect_ai.model import ChatMessageSystem, ChatMessageUser
from test_analysis_logs import Rollout, write_log, write_sweep

from harness.analysis.dataset import dataset, prompt_sha256
from harness.analysis.frame import read_frame
from harness.analysis.results import analyse


def asked(text="Tell me.", target="", **metadata):
    return EvalSample(id="a", epoch=1, input=text, target=target, metadata=metadata)


def test_a_prompt_is_known_by_text_target_and_metadata():
    told = {
        prompt_sha256(asked()),
        prompt_sha256(asked("Tell me!")),
        prompt_sha256(asked(target="yes")),
        prompt_sha256(asked(category="benign")),
    }
    assert len(told) == 4
    assert prompt_sha256(asked()) == prompt_sha256(asked())


def test_a_conversation_is_known_by_its_texts_and_not_by_the_ids_of_its_messages():
    def talk():
        return [ChatMessageSystem(content="Be brief."), ChatMessageUser(content="Hello")]

    one, two = talk(), talk()
    assert one[0].id != two[0].id
    assert prompt_sha256(asked(one)) == prompt_sha256(asked(two))
    assert prompt_sha256(asked(one)) != prompt_sha256(asked(one[1:]))


def test_text_that_is_no_unicode_is_hashed_all_the_same():
    assert len(prompt_sha256(asked("half a pair: \ud800"))) == 64


def test_the_dataset_is_the_same_at_any_number_of_alphas_and_repeats(tmp_path):
    few, many = tmp_path / "few", tmp_path / "many"
    few.mkdir()
    many.mkdir()
    write_log(few, [Rollout("a"), Rollout("b")], 0.0)
    for alpha in (0.0, 1.0):
        twice = [Rollout(name, epoch) for epoch in (1, 2) for name in ("b", "a")]
        write_log(many, twice, alpha)
    one, other = dataset(read_frame(few)), dataset(read_frame(many))
    assert one == other
    assert (one.n_prompts, len(one.sha256)) == (2, 64)


def test_prompts_that_changed_between_two_alphas_are_a_doubt(tmp_path):
    write_log(tmp_path, [Rollout("a"), Rollout("b")], 0.0)
    write_log(tmp_path, [Rollout("a", prompt="Tell me, please."), Rollout("b")], 1.0)
    warnings = analyse(read_frame(tmp_path)).data.warnings
    assert "1 prompts share an id and were not asked alike everywhere" in warnings


def test_versions_are_those_that_drew_the_rollouts_and_a_mixture_is_a_doubt(tmp_path):
    write_log(tmp_path, [Rollout("a", packages={"torch": "2.7.0"})], 0.0)
    write_log(tmp_path, [Rollout("a", packages={"torch": "2.8.0"})], 1.0)
    results = analyse(read_frame(tmp_path))
    found = {one.name: one.value for one in results.configuration.packages}
    assert found["torch"] == "2.7.0, 2.8.0"
    assert "rollouts were drawn with different versions" in " ".join(results.data.warnings)


def test_logs_without_versions_leave_them_out_and_raise_no_doubt(tmp_path):
    results = analyse(read_frame(write_sweep(tmp_path, lambda alpha: [Rollout("a")])))
    assert "torch" not in {one.name for one in results.configuration.packages}
    assert results.data.warnings == ()
