"""What Inspect calls: from a request to a rollout of the pool to an output."""

import secrets
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from inspect_ai.model import (
    ChatMessage,
    GenerateConfig,
    ModelAPI,
    ModelInfo,
    ModelOutput,
    set_model_info,
)
from inspect_ai.tool import ToolChoice, ToolInfo

from harness.decoding.rollout import RolloutRequest
from harness.decoding.scheduler import CPU_ROWS
from harness.decoding.settings import RolloutSettings
from harness.errors import WeightsError
from harness.inspect_errors import told_by_inspect
from harness.model_name import PROVIDER, ModelName
from harness.pairs.spec import PAIR_ARGUMENTS, resolve_pair
from harness.pool import pair_worker
from harness.provider.arguments import batch_limits, require_known_arguments
from harness.provider.inputs import plain, refuse_unsupported
from harness.provider.outputs import Answer
from harness.seeding import SeedSource
from harness.traces.collect import keep_trace
from harness.traces.options import TraceOptions

if TYPE_CHECKING:
    from harness.pairs.loading import LoadedPair

DEFAULT_MAX_TOKENS = 256

# The seed of a run that was given none: one per process, so that alphas can be compared.
_UNSEEDED_RUN = secrets.randbits(31)


class AmplifiedAPI(ModelAPI):
    """Samples from ``L_target + alpha * (L_target - L_baseline)``.

    The name is ``pair@alpha``; model arguments (``-M``) spell a pair that has no preset and
    bound the batch. Nothing is loaded before the first generation, and all instances of a pair
    share its weights.
    """

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig = GenerateConfig(),  # noqa: B008  # Inspect's own signature
        **model_args: Any,
    ) -> None:
        super().__init__(model_name, base_url, api_key, [], config)
        with told_by_inspect():
            require_known_arguments(model_args)
            self._name = ModelName.parse(model_name)
            pair_arguments = {k: v for k, v in model_args.items() if k in PAIR_ARGUMENTS}
            self._spec = resolve_pair(self._name.pair, pair_arguments)
            self._limits = batch_limits(model_args)
            self._worker = pair_worker(self._spec, self._limits)
            self._traces = TraceOptions.parse(model_args)
        self._expected_weights = model_args.get("weights")
        self._seeds = SeedSource()
        # Without an entry Inspect builds a second instance, without our arguments, to look it up.
        set_model_info(f"{PROVIDER}/{model_name}", ModelInfo(model=model_name))

    async def generate(
        self,
        input: list[ChatMessage],
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput:
        """Sample one reply.

        Raises:
            UnsupportedRequest: for tools, images, and options that can't be honoured.
            PromptTooLong: if the prompt leaves no room in the context.
            WeightsError: if the weights are missing, damaged or not those expected.
        """
        refuse_unsupported(tools, config)
        started = time.monotonic()
        pair = await self._loaded()
        prompt = pair.prompt([plain(message) for message in input])
        run_seed = _UNSEEDED_RUN if config.seed is None else config.seed
        stops = tuple(config.stop_seqs or ())
        request = RolloutRequest(
            prompt=prompt,
            settings=self._settings(config, self._seeds.seed(run_seed, prompt.target_ids)),
            reached_stop=pair.chat.stop_check(stops),
        )
        answer = Answer(
            name=self._name,
            chat=pair.chat,
            request=request,
            rollout=await self._worker.rollout(request),
            stops=stops,
            run_seed=run_seed,
            config=self._resolved(pair, request.settings, stops),
        )
        output = answer.output(logprobs=bool(config.logprobs), time_s=time.monotonic() - started)
        if self._traces.kept:
            keep_trace(answer.traced(output))
        return output

    def max_tokens(self) -> int:
        """Return the reply's length where the evaluation sets none."""
        return DEFAULT_MAX_TOKENS

    def max_connections(self) -> int:
        """Return how many requests may wait at once: two batches' worth keeps the engine busy."""
        return 2 * CPU_ROWS

    def connection_key(self) -> str:
        """Share one pool of connections among all alphas of a pair."""
        return repr(self._spec)

    def collapse_user_messages(self) -> bool:
        """Merge consecutive user messages: chat templates expect turns."""
        return True

    def collapse_assistant_messages(self) -> bool:
        """Merge consecutive assistant messages, likewise."""
        return True

    async def count_text_tokens(self, text: str) -> int:
        """Count with the pair's own tokenizer; the default would download one."""
        pair = await self._loaded()
        return len(pair.chat.tokenizer(text, add_special_tokens=False)["input_ids"])

    async def _loaded(self) -> "LoadedPair":
        pair = await self._worker.pair()
        if self._expected_weights not in (None, pair.fingerprint):
            raise WeightsError(
                f"the weights of '{self._name.pair}' have fingerprint {pair.fingerprint}, and "
                f"-M weights={self._expected_weights} was asked for: they have changed since; "
                "use a new log folder"
            )
        return pair

    def _settings(self, config: GenerateConfig, seed: int) -> RolloutSettings:
        return RolloutSettings(
            alpha=self._name.alpha,
            temperature=1.0 if config.temperature is None else config.temperature,
            top_p=1.0 if config.top_p is None else config.top_p,
            top_k=max(config.top_k or 0, 0),  # Inspect and transformers write -1 or 0 for all
            seed=seed,
            max_tokens=DEFAULT_MAX_TOKENS if config.max_tokens is None else config.max_tokens,
            top_logprobs=config.top_logprobs or 0,
            constraints=self._name.constraints,
            # Log-probabilities of the reply are figures of its trace.
            trace=self._traces.measured or bool(config.logprobs),
            trace_alphas=self._traces.grid,
            trace_best=self._traces.kept and self._traces.best,
        )

    def _resolved(
        self, pair: "LoadedPair", settings: RolloutSettings, stops: Sequence[str]
    ) -> dict[str, object]:
        """Return everything that decides a rollout, defaults included."""
        return {
            **self._spec.to_dict(),
            "weights": pair.fingerprint,
            "device": str(pair.model.device),
            **self._rounding(pair),
            "temperature": settings.temperature,
            "top_p": settings.top_p,
            "top_k": settings.top_k,
            "max_tokens": settings.max_tokens,
            "stop": list(stops),
            "constraint": [str(one) for one in settings.constraints],
        }

    def _rounding(self, pair: "LoadedPair") -> dict[str, object]:
        """Return whether rounding depended on the batch, and what was done against it."""
        told: dict[str, object] = {}
        if self._worker.bit_stable is not None:
            told["bit_stable"] = self._worker.bit_stable
        if self._limits.strict:
            told["strict_rows"] = self._limits.rows_on(pair.model.device.type)
        return told

    @property
    def n_weight_loads(self) -> int:
        """How often this pair's weights have been loaded in this process."""
        return self._worker.n_loads
