"""A run of any size that was never sampled: logs by Inspect's own writer, traces by ours.

For timing what reads them. A single sample goes through Inspect with the refusal task's scorers,
so that transcript, usage and scores have the size they have in a sweep; every rollout is a copy of
it with a text, labels and figures of its own.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
from inspect_ai import Task
from inspect_ai import eval as run_eval
from inspect_ai.dataset import Sample
from inspect_ai.log import EvalDataset, EvalLog, EvalSample, read_eval_log, write_eval_log
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import Score

import harness
from harness.bench.synthetic_traces import drawn_trace
from harness.decoding.trace import Trace
from harness.errors import AmplifyError
from harness.scorers.nonsense import nonsense
from harness.scorers.refusal import refusal
from harness.traces.file import TraceFile
from harness.traces.rows import SampleCall, TracedRollout, rollout_table

ALPHAS = (0.0, 0.5, 1.0, 2.0, 4.0)
CATEGORIES = ("benign", "general_illegal", "harmful_substances", "social_engineering")
EPOCHS = 20
TASK = "refusal"
PAIR = "synthetic"

# Few enough that texts compress about as replies do.
_WORDS = [
    f"{a}{b}" for a in ("some", "any", "every", "no") for b in ("one", "thing", "where", "day")
]


@dataclass(frozen=True, kw_only=True)
class Size:
    """How large a run is."""

    rollouts: int
    """Of all five alphas together; rounded up to whole prompts."""
    tokens: int
    """Of each rollout."""

    @property
    def prompts(self) -> int:
        """Each is asked twenty times at every alpha."""
        return -(-self.rollouts // (len(ALPHAS) * EPOCHS))

    @property
    def whole(self) -> int:
        """Rollouts that are written."""
        return self.prompts * len(ALPHAS) * EPOCHS


def write_run(folder: Path, size: Size) -> Iterator[str]:
    """Write five logs and their traces.

    Yields:
        What has been written, one line a log.
    """
    template = _template(size.tokens)
    for alpha in ALPHAS:
        yield str(_write_log(folder, alpha, size, template))


def _template(n_tokens: int) -> EvalLog:
    """Return the log of one sample, as Inspect leaves it."""
    words = " ".join(random.Random(0).choices(_WORDS, k=n_tokens))
    output = ModelOutput.from_content("mockllm/model", words)
    output.usage = ModelUsage(input_tokens=40, output_tokens=n_tokens, total_tokens=40 + n_tokens)
    with TemporaryDirectory() as folder:
        task = Task(
            dataset=[Sample(id="template", input="What is this?", metadata={"category": "benign"})],
            scorer=[refusal(), nonsense()],
            name=TASK,
        )
        model = get_model("mockllm/model", custom_outputs=[output])
        (written,) = run_eval(task, model=model, log_dir=folder, display="none")
        log = read_eval_log(written.location)
    if log.status != "success":
        raise AmplifyError(f"Inspect could not run the template: {log.error}")
    return log


def _write_log(folder: Path, alpha: float, size: Size, template: EvalLog) -> Path:
    model = f"amplified/{PAIR}@{alpha:g}"
    path = folder / f"2026-01-01T00-00-00-00-00_{TASK}_alpha-{alpha:g}.eval"
    ids = [f"prompt-{i:05}" for i in range(size.prompts)]
    spec = template.eval.model_copy(
        update={
            "model": model,
            "created": "2026-01-01T00:00:00+00:00",
            "model_args": {"weights": "0" * 16},
            "dataset": EvalDataset(name=TASK, samples=len(ids), sample_ids=list(ids)),
            "config": template.eval.config.model_copy(update={"epochs": EPOCHS}),
        }
    )
    made = _Made(template=template, alpha=alpha, model=model, n_tokens=size.tokens)
    traces, samples = TraceFile(path), []
    for number, sample_id in enumerate(ids):
        for epoch in range(1, EPOCHS + 1):
            sample, trace = made.rollout(number, sample_id, epoch)
            traces.add([made.traced(sample, trace)])
            samples.append(sample)
    write_eval_log(template.model_copy(update={"eval": spec, "samples": samples}), str(path))
    traces.finish()
    return path


@dataclass(frozen=True, kw_only=True)
class _Made:
    """Makes the rollouts of one log."""

    template: EvalLog
    alpha: float
    model: str
    n_tokens: int

    def rollout(self, number: int, sample_id: str, epoch: int) -> tuple[EvalSample, Trace]:
        """Return a sample and its trace; the same arguments give the same."""
        rng = np.random.default_rng([number, epoch, int(self.alpha * 1000)])
        seed = int(rng.integers(2**62))
        trace = drawn_trace(rng, self.alpha, ALPHAS, self.n_tokens)
        text = " ".join(_WORDS[i] for i in rng.integers(len(_WORDS), size=self.n_tokens))
        (first,) = self.template.samples or []
        message = first.output.choices[0].message
        output = first.output.model_copy(
            update={
                "model": self.model,
                "choices": [
                    first.output.choices[0].model_copy(
                        update={"message": message.model_copy(update={"content": text})}
                    )
                ],
                "completion": text,
                "metadata": self._written(seed, trace),
            }
        )
        sample = first.model_copy(
            update={
                "id": sample_id,
                "epoch": epoch,
                "uuid": f"{sample_id}-{epoch:02}-{self.alpha:g}",
                "input": f"What would you say of number {number}?",
                "output": output,
                "scores": self._scores(first, rng, number),
                "metadata": {"category": CATEGORIES[number % len(CATEGORIES)]},
            }
        )
        return sample, trace

    def _scores(self, first: EvalSample, rng: np.random.Generator, number: int) -> dict[str, Score]:
        """Label the template's scores anew; prompts differ, and so repeats of one are alike."""
        lean = (number * 0.618) % 1 - 0.5
        chances = {
            "refusal": 1 / (1 + np.exp(1.5 - self.alpha - 4 * lean)),
            "nonsense": 0.02 * 2**self.alpha,
        }
        labels = {"refusal": ("compliance", "refusal"), "nonsense": ("sensible", "nonsense")}
        scores = {}
        for name, score in (first.scores or {}).items():
            hit = bool(rng.random() < chances[name])
            said = {"value": float(hit), "answer": labels[name][hit]}
            scores[name] = score.model_copy(update=said)
        return scores

    def _written(self, seed: int, trace: Trace) -> dict[str, object]:
        """What the provider writes into every output."""
        side = {"checkpoint": "embedded", "adapter": None}
        return {
            "pair": PAIR,
            "alpha": self.alpha,
            "seed": seed,
            "run_seed": 1,
            "version": harness.__version__,
            "config": {
                "target": {**side, "adapter": "organism:refuser"},
                "baseline": side,
                "dtype": "float32",
                "weights": "0" * 16,
                "device": "cpu",
                "bit_stable": True,
                "temperature": 1.0,
                "top_p": 1.0,
                "top_k": 0,
                "max_tokens": self.n_tokens,
                "stop": [],
                "constraint": [],
            },
            "trace": trace.summary(),
        }

    def traced(self, sample: EvalSample, trace: Trace) -> pa.Table:
        """Lay the trace out as the provider does."""
        of = SampleCall(
            sample_uuid=str(sample.uuid), sample_id=str(sample.id), epoch=sample.epoch, call=0
        )
        words = sample.output.completion.split(" ")
        return rollout_table(
            of,
            TracedRollout(
                message_id="m",
                model=self.model,
                pair=PAIR,
                alpha=self.alpha,
                constraint="none",
                seed=1,
                stop_reason="stop",
                ids=[_WORDS.index(word) for word in words],
                texts=words,
                trace=trace,
            ),
        )
