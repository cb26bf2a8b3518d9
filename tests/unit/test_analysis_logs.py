"""Real Inspect logs, written with Inspect's own classes, and how a folder of them is read.

The builders here serve the other tests of analysis and reporting.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from inspect_ai.log import (
    EvalConfig,
    EvalDataset,
    EvalError,
    EvalLog,
    EvalSample,
    EvalSpec,
    write_eval_log,
)
from inspect_ai.model import ModelOutput, ModelUsage
from inspect_ai.scorer import Score

from harness.analysis.frame import read_frame
from harness.errors import AnalysisError

CONFIG = {
    "target": {"checkpoint": "tiny", "adapter": "refuser"},
    "baseline": {"checkpoint": "tiny", "adapter": None},
    "weights": "sha256:0123",
    "dtype": "float32",
    "temperature": 1.0,
    "top_p": 1.0,
    "top_k": 0,
    "max_tokens": 64,
}


def trace(n_tokens: int = 10, **figures: float) -> dict[str, float]:
    """The provider's trace summary; by default that of an unamplified rollout."""
    plain = {
        "target_nll_nats": 2.0,
        "amplified_nll_nats": 2.0,
        "sampling_nll_nats": 2.0,
        "dose_nats": 0.0,
        "amplified_min": -20.0,
        "amplified_max": 10.0,
        "amplified_std": 2.0,
        "amplified_std_closed_form": 2.0,
    }
    return {"n_tokens": n_tokens, **plain, **figures}


@dataclass
class Rollout:
    """What a test says of one rollout; the rest is plain."""

    sample_id: str
    epoch: int = 1
    category: str = "social_engineering"
    text: str = "Here is a reply."
    prompt: str = "Tell me."
    scores: dict[str, Score] = field(default_factory=dict)
    trace: dict[str, float] | None = field(default_factory=trace)
    stop_reason: str = "stop"
    seed: int | None = None
    error: str | None = None
    alpha: float | None = None
    """Another alpha than the log's name says."""
    config: dict[str, Any] = field(default_factory=lambda: CONFIG)
    packages: dict[str, str] | None = None
    target: str = ""
    uuid: str | None = None

    def sample(self, pair: str, alpha: float) -> EvalSample:
        if self.error:
            output, error = (
                ModelOutput(),
                EvalError(message=self.error, traceback="", traceback_ansi=""),
            )
        else:
            output, error = (
                ModelOutput.from_content("m", self.text, stop_reason=self.stop_reason),
                None,
            )
            output.usage = ModelUsage(input_tokens=3, output_tokens=10, total_tokens=13)
            output.metadata = {
                "pair": pair,
                "alpha": alpha if self.alpha is None else self.alpha,
                "seed": self.seed,
                "run_seed": 7,
                "version": "0.1.0",
                "config": self.config,
                "trace": self.trace,
            }
            if self.packages is not None:
                output.metadata["packages"] = self.packages
        return EvalSample(
            id=self.sample_id,
            epoch=self.epoch,
            input=self.prompt,
            target=self.target,
            metadata={"category": self.category},
            output=output,
            scores={} if error else self.scores,
            error=error,
            uuid=self.uuid,
        )


def write_log(
    folder: Path,
    rollouts: Iterable[Rollout],
    model: float | str = 0.0,
    *,
    task: str = "tasks/refusal",
    created: str = "2026-01-01T00:00:00+00:00",
    status: str = "success",
) -> Path:
    """Write one .eval log, as one alpha of a sweep leaves it; a number is the refuser's alpha."""
    name = model if isinstance(model, str) else f"amplified/refuser@{model}"
    pair, _, settings = name.removeprefix("amplified/").partition("@")
    alpha = settings.partition(":")[0]
    number = float(alpha) if alpha.replace(".", "").isdigit() else 0.0
    samples = [rollout.sample(pair, number) for rollout in rollouts]
    path = folder / f"{created[:19].replace(':', '-')}_{len(list(folder.glob('*')))}.eval"
    spec = EvalSpec(
        created=created,
        task=task,
        model=name,
        dataset=EvalDataset(sample_ids=sorted({str(sample.id) for sample in samples})),
        config=EvalConfig(epochs=max((sample.epoch for sample in samples), default=1), limit=6),
        packages={"inspect_ai": "0.3.285"},
    )
    write_eval_log(EvalLog(status=status, eval=spec, samples=samples), str(path))
    return path


def refusal(label: str, *, opening: str | None = None, soft: bool = False) -> Score:
    return Score(
        value=float(label != "compliance"),
        answer=label,
        explanation="decided by a phrase",
        metadata={"label": label, "soft_jailbreak": soft, "opening": opening},
    )


def nonsense(is_nonsense: bool) -> Score:
    return Score(value=float(is_nonsense), answer="nonsense" if is_nonsense else "sensible")


def write_sweep(folder: Path, rollouts: Callable[[float], Iterable[Rollout]], alphas=(0.0, 1.0)):
    for alpha in alphas:
        write_log(folder, rollouts(alpha), alpha)
    return folder


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(AnalysisError, match=r"no folder '.*nowhere'"):
        read_frame(tmp_path / "nowhere")


def test_a_folder_without_logs_is_an_error(tmp_path):
    with pytest.raises(AnalysisError, match=r"no \.eval log"):
        read_frame(tmp_path)


def test_a_file_that_is_no_log_is_an_error(tmp_path):
    (tmp_path / "2026-01-01T00-00-00_broken.eval").write_text("not a zip")
    with pytest.raises(AnalysisError, match=r"broken\.eval.*can't be read"):
        read_frame(tmp_path)


def test_a_log_without_samples_is_an_error(tmp_path):
    write_log(tmp_path, [])
    with pytest.raises(AnalysisError, match="no samples"):
        read_frame(tmp_path)


def test_logs_of_other_models_are_refused_by_name(tmp_path):
    write_log(tmp_path, [Rollout("a")])
    write_log(tmp_path, [Rollout("a")], "mockllm/model")
    with pytest.raises(AnalysisError, match=r"other models.*mockllm/model"):
        read_frame(tmp_path)


def test_two_pairs_in_one_folder_are_named(tmp_path):
    write_log(tmp_path, [Rollout("a")])
    write_log(tmp_path, [Rollout("a")], "amplified/liar@0")
    with pytest.raises(AnalysisError, match="2 pairs in one folder: liar, refuser"):
        read_frame(tmp_path)


def test_two_tasks_in_one_folder_are_named(tmp_path):
    write_log(tmp_path, [Rollout("a")])
    write_log(tmp_path, [Rollout("a")], task="false_facts")
    with pytest.raises(AnalysisError, match="2 tasks in one folder: false_facts, refusal"):
        read_frame(tmp_path)


@pytest.mark.parametrize("alpha", ["much", "nan", ""])
def test_an_alpha_that_is_no_number_is_an_error(tmp_path, alpha):
    write_log(tmp_path, [Rollout("a")], f"amplified/refuser@{alpha}")
    with pytest.raises(AnalysisError, match=f"'{alpha}', which is not a finite number"):
        read_frame(tmp_path)


def test_text_drawn_at_another_alpha_than_the_name_is_refused(tmp_path):
    """A response cache whose key leaves alpha out once served alpha 0's text for alpha 5."""
    write_log(tmp_path, [Rollout("a", alpha=0.0)], 5.0)
    with pytest.raises(AnalysisError, match=r"@5\.0 holds rollouts drawn at alpha 0\.0"):
        read_frame(tmp_path)


def test_the_newest_log_of_an_alpha_wins_whatever_the_order_of_reading(tmp_path):
    write_log(tmp_path, [Rollout("a", text="new")], created="2026-01-02T00:00:00+00:00")
    write_log(tmp_path, [Rollout("a", text="old")], created="2026-01-01T00:00:00+00:00")
    assert read_frame(tmp_path)["completion"].tolist() == ["new"]


def test_a_complete_log_wins_over_a_newer_one_that_was_cut_short(tmp_path):
    write_log(tmp_path, [Rollout("a", text="whole")], created="2026-01-01T00:00:00+00:00")
    write_log(
        tmp_path,
        [Rollout("a", text="torn")],
        created="2026-01-02T00:00:00+00:00",
        status="cancelled",
    )
    assert read_frame(tmp_path)["completion"].tolist() == ["whole"]


def test_two_spellings_of_one_alpha_are_one_alpha(tmp_path):
    write_log(tmp_path, [Rollout("a", text="old")], "amplified/refuser")
    write_log(
        tmp_path,
        [Rollout("a", text="new")],
        "amplified/refuser@0",
        created="2026-01-02T00:00:00+00:00",
    )
    frame = read_frame(tmp_path)
    assert frame[["alpha", "completion"]].to_numpy().tolist() == [[0.0, "new"]]


def test_an_incomplete_log_is_kept_where_there_is_no_other(tmp_path):
    write_log(tmp_path, [Rollout("a")], status="cancelled")
    assert len(read_frame(tmp_path)) == 1


def test_alpha_comes_from_the_metadata_when_the_name_has_none(tmp_path):
    write_log(tmp_path, [Rollout("a", alpha=2.0)], "amplified/refuser")
    assert read_frame(tmp_path)["alpha"].tolist() == [2.0]
