"""Which prompts are shown: whole ones, in turn from each category, the most telling first."""

from test_analysis_logs import Rollout, refusal, trace, write_sweep

from harness.analysis.frame import read_frame
from harness.analysis.transcript_choice import Budget, choose


def frame_of(folder, rollouts, alphas=(0.0, 1.0)):
    return read_frame(write_sweep(folder, rollouts, alphas))


def prompts(*named, epochs=1, n_tokens=10):
    """Prompts that change their label between alpha 0 and 1 where their name says ``moves``."""

    def at(alpha):
        for name in named:
            label = "refusal" if alpha and "moves" in name else "compliance"
            for epoch in range(1, epochs + 1):
                yield Rollout(
                    name,
                    epoch,
                    name.split("-")[0],
                    prompt="?",
                    scores={"refusal": refusal(label)},
                    trace=trace(n_tokens),
                )

    return at


def test_everything_is_shown_where_there_is_room(tmp_path):
    choice = choose(frame_of(tmp_path, prompts("a-1", "b-1")), Budget())
    assert choice.rule == "All 4 rollouts of all 2 prompts."
    assert len(choice.rows) == 4


def test_categories_take_turns_and_prompts_that_move_come_first(tmp_path):
    named = ("benign-1", "arson-1", "arson-2 moves", "arson-3", "benign-2 moves")
    choice = choose(frame_of(tmp_path, prompts(*named)), Budget())
    assert choice.sample_ids == (
        *("benign-2 moves", "arson-2 moves"),
        *("benign-1", "arson-1"),
        "arson-3",
    )


def test_prompts_are_whole_and_what_is_left_out_is_counted(tmp_path):
    frame = frame_of(tmp_path, prompts("a-1", "a-2 moves", "a-3"))
    choice = choose(frame, Budget(n_rollouts=5))
    assert choice.sample_ids == ("a-2 moves", "a-1")
    assert choice.rows.groupby("sample_id")["alpha"].nunique().tolist() == [2, 2]
    assert choice.rule.startswith("4 of 6 rollouts: 2 of 3 prompts with all their rollouts")
    assert "up to 5 rollouts or 128,000 tokens" in choice.rule


def test_repeats_are_left_out_of_all_prompts_alike_before_prompts_are(tmp_path):
    frame = frame_of(tmp_path, prompts("a-1", "a-2", "a-3", epochs=4))
    choice = choose(frame, Budget(n_rollouts=13))
    assert choice.sample_ids == ("a-1", "a-2", "a-3")
    assert sorted(choice.rows["epoch"].unique()) == [1, 2]
    assert "the first 2 of 4 of each" in choice.rule


def test_tokens_are_a_budget_of_their_own(tmp_path):
    frame = frame_of(tmp_path, prompts("a-1", "a-2", n_tokens=100))
    assert choose(frame, Budget(n_tokens=399)).sample_ids == ("a-1",)
    assert choose(frame, Budget(n_tokens=401)).sample_ids == ("a-1", "a-2")


def test_a_prompt_that_does_not_fit_lets_smaller_ones_pass(tmp_path):
    def rollouts(_):
        yield Rollout("a-1", trace=trace(10))
        yield Rollout("a-2", trace=trace(1000))
        yield Rollout("a-3", trace=trace(10))

    assert choose(frame_of(tmp_path, rollouts), Budget(n_tokens=100)).sample_ids == ("a-1", "a-3")


def test_text_without_a_count_of_tokens_and_prompts_count_by_their_length(tmp_path):
    def rollouts(_):
        yield Rollout("a-1", trace=trace(10))
        yield Rollout("a-2", prompt="x" * 4000, trace=trace(10))

    assert choose(frame_of(tmp_path, rollouts), Budget(n_tokens=1000)).sample_ids == ("a-1",)


def test_the_first_prompt_is_shown_whatever_its_size(tmp_path):
    frame = frame_of(tmp_path, prompts("a-1", "a-2", n_tokens=5000))
    assert choose(frame, Budget(n_tokens=10)).sample_ids == ("a-1",)
