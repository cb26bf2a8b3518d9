"""What a rollout becomes in Inspect's log: text, log-probabilities and usage; its trace's row."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessageAssistant,
    Logprob,
    Logprobs,
    ModelOutput,
    ModelUsage,
    TopLogprob,
)

import harness
from harness.constraint import format_constraints
from harness.decoding.rollout import Rollout, RolloutRequest
from harness.decoding.trace import SIDES, Trace
from harness.model_name import ModelName
from harness.provider.versions import versions
from harness.traces.rows import TracedRollout

if TYPE_CHECKING:
    from harness.pairs.chat import ChatText


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A rollout, and what is known of it beside its tokens."""

    name: ModelName
    chat: "ChatText"
    request: RolloutRequest
    rollout: Rollout
    stops: tuple[str, ...]
    """Stop strings, at the first of which the text ends."""
    run_seed: int
    config: dict[str, Any]
    """Everything that decided the rollout, defaults included."""

    def output(self, *, logprobs: bool, time_s: float) -> ModelOutput:
        """Return what Inspect logs.

        Args:
            logprobs: whether the tokens' log-probabilities were asked for.
            time_s: that the answer took.
        """
        rollout, text = self.rollout, self.chat.text(self.rollout.ids)
        message = ChatMessageAssistant(
            content=self.chat.before_stop(text, self.stops),
            model=str(self.name),
            source="generate",
        )
        n_read, n_written = len(self.request.prompt.target_ids), len(rollout.ids)
        return ModelOutput(
            model=str(self.name),
            choices=[
                ChatCompletionChoice(
                    message=message,
                    stop_reason=rollout.stop_reason,
                    logprobs=_logprobs(self.chat, rollout) if logprobs else None,
                )
            ],
            usage=ModelUsage(
                input_tokens=n_read, output_tokens=n_written, total_tokens=n_read + n_written
            ),
            time=time_s,
            metadata={
                "pair": self.name.pair,
                "alpha": self.name.alpha,
                "seed": self.request.settings.seed,
                "run_seed": self.run_seed,
                "version": harness.__version__,
                "packages": versions(),
                "config": self.config,
                **({} if rollout.trace is None else {"trace": rollout.trace.summary()}),
            },
        )

    def traced(self, output: ModelOutput) -> TracedRollout:
        """Return what the trace file keeps of a rollout whose tokens were measured."""
        settings, rollout = self.request.settings, self.rollout
        assert rollout.trace is not None  # measured wherever it is kept
        return TracedRollout(
            message_id=str(output.message.id),
            model=str(self.name),
            pair=self.name.pair,
            alpha=self.name.alpha,
            constraint=format_constraints(settings.constraints),
            seed=settings.seed,
            stop_reason=rollout.stop_reason,
            ids=rollout.ids,
            texts=self.chat.tokens(rollout.ids),
            trace=rollout.trace,
            best_texts=_best_texts(self.chat, rollout.trace),
        )


def _best_texts(chat: "ChatText", trace: Trace) -> dict[str, list[list[str]]]:
    if trace.best is None:
        return {}
    ids = {side: trace.best_tokens(side)[0].tolist() for side in SIDES}
    return {side: [chat.tokens(step) for step in steps] for side, steps in ids.items()}


def _logprobs(chat: "ChatText", rollout: Rollout) -> Logprobs:
    """Return the sampled tokens' log-probabilities under the amplified model at temperature 1."""
    assert rollout.trace is not None  # measured wherever log-probabilities are asked for
    tokens = chat.tokens(rollout.ids)
    logps = rollout.trace["amplified_logp_nats"].tolist()
    alternatives = rollout.alternatives or [None] * len(tokens)
    content = []
    for token, logp, others in zip(tokens, logps, alternatives, strict=True):
        top = None
        if others is not None:
            named = zip(chat.tokens(others.ids), others.logps_nats, strict=True)
            top = [TopLogprob(token=name, logprob=value) for name, value in named]
        content.append(Logprob(token=token, logprob=logp, top_logprobs=top))
    return Logprobs(content=content)
