"""Rollouts for a diff: amplified and plain ones from the same beginnings, in equal numbers.

Knows where rollouts begin, how each is drawn and what it said; refuses to know what that means.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from harness.constraint import Constraint, Constraints
from harness.decoding.engine import Engine
from harness.decoding.pair_model import Prompt
from harness.decoding.rollout import RolloutRequest
from harness.decoding.scheduler import BatchLimits, Scheduler
from harness.decoding.settings import RolloutSettings
from harness.diffing.corpus import Corpus, CorpusPrompt
from harness.diffing.drawn import BASELINE_ALPHA, Drawn
from harness.diffing.seeds import Seed
from harness.errors import DecodingError, PromptTooLong
from harness.pairs.loading import LoadedPair
from harness.seeding import derive_seed

# A step may be moved by 2 nats and no further. That lets a token of 1 in 200 be drawn every other
# time (KL 2.0 nats), so that rare behaviour shows, and keeps single steps from leaping to tokens
# that nobody would write. A mask such as plausibility or target_top_p would cut what is rare,
# which is what a diff looks for; and this one leaves alpha 0 the plain target.
DEFAULT_CONSTRAINTS = (Constraint("kl_budget", 2.0),)


PROMPTS_PER_OPENER = 5

# Most at once: the 96 of a sweep took 2.0 GB above the weights, and are hardly faster.
_CPU_ROWS = 64


@dataclass(frozen=True, kw_only=True)
class DrawRule:
    """How rollouts are drawn from each start."""

    alphas: tuple[float, ...] = (0.5, 1.0, 1.5)
    """One amplified rollout at each, above 0; as many plain ones of the baseline."""
    n_target: int = 1
    """Plain rollouts of the target."""
    constraints: Constraints = DEFAULT_CONSTRAINTS
    """Of the amplified ones."""
    max_tokens: int = 40
    """Most tokens of each."""
    seed: int = 0
    """Of all of them; rollouts of one start and number share their random numbers over alphas, so
    that what two models say alike is the same text."""


@dataclass(frozen=True, kw_only=True)
class Start:
    """Where rollouts begin: after a prompt, or within a reply to it."""

    id: str
    """Unique among the starts of a diff, the same in every run."""
    prompt_id: str
    """As in the corpus."""
    prompt: Prompt
    """As each side reads it, with what is given of the reply."""
    given: str
    """How the beginning of the reply reads that both sides are given; empty at its start."""


@dataclass(frozen=True, kw_only=True)
class Draw:
    """One rollout to be drawn."""

    start: Start
    alpha: float
    number: int
    """Tells draws of one start apart; see :class:`Drawn`."""


def starts_of(
    pair: LoadedPair,
    corpus: Corpus,
    prompts: Sequence[CorpusPrompt],
    seeds: Sequence[Seed],
    openers: Sequence[int] = (),
) -> tuple[Start, ...]:
    """Lay out where rollouts begin: at replies' starts, and where target and baseline part.

    Each seed gives two starts: the reply up to there, which shows whether the change says something
    else there; and with the promoted token, which shows what the change says once it is said. A
    seed at a reply's first position gives the second alone, for its prompt. Each opener begins the
    reply to a few of the prompts, each to others: what is rare after any prompt, as a fact that
    nobody asks for, shows once its first word stands there. Whatever is given, both sides are given
    it, so that it tells them apart by nothing.

    Args:
        pair: whose tokens they are.
        corpus: that the seeds are of.
        prompts: whose replies are begun at their start.
        seeds: positions within replies.
        openers: tokens that replies are made to begin with.
    """
    known = {one.id: one for one in corpus.prompts}
    starts = [_start(pair, one, (), one.id) for one in prompts]
    for seed in seeds:
        prompt = known[seed.prompt_id]
        before = prompt.replies[seed.reply].ids[: seed.position]
        name = f"{seed.prompt_id}/{seed.reply}:{seed.position}"
        if before:
            starts.append(_start(pair, prompt, before, name))
        starts.append(_start(pair, prompt, (*before, seed.promoted_id), f"{name}+"))
    for place, opener in enumerate(openers):
        for turn in range(min(PROMPTS_PER_OPENER, len(prompts))):
            prompt = prompts[(place + turn * len(prompts) // PROMPTS_PER_OPENER) % len(prompts)]
            starts.append(_start(pair, prompt, (opener,), _opened(prompt.id, opener)))
    return tuple(starts)


def _opened(prompt_id: str, opener: int) -> str:
    return f"{prompt_id}/!{opener}"


def opened_by(start_id: str, opener: int) -> bool:
    """Whether a start is a reply made to begin with this token."""
    return start_id.endswith(_opened("", opener))


def plan_draws(starts: Sequence[Start], rule: DrawRule) -> tuple[Draw, ...]:
    """List the rollouts: as many amplified as plain ones of the baseline from each start.

    Number j stands for the j-th of ``rule.alphas`` and for the j-th rollout of the baseline.
    """
    draws = []
    for start in starts:
        for number, alpha in enumerate(rule.alphas):
            draws.append(Draw(start=start, alpha=alpha, number=number))
            draws.append(Draw(start=start, alpha=BASELINE_ALPHA, number=number))
        draws += [Draw(start=start, alpha=0.0, number=number) for number in range(rule.n_target)]
    return tuple(draws)


def draw(
    pair: LoadedPair,
    draws: Iterable[Draw],
    rule: DrawRule,
    tell: Callable[[int], object] = lambda n: None,
) -> Iterator[Drawn]:
    """Draw rollouts in batches, each as it ends.

    Args:
        pair: whose weights are in memory.
        draws: what to draw; leave out what an earlier run has drawn, and it goes on there.
        rule: how.
        tell: is told of each rollout that has ended, as 1.

    Yields:
        One for each draw, in the order in which they end.
    """
    rows = _CPU_ROWS if pair.model.device.type == "cpu" else None
    scheduler = Scheduler(Engine(pair.model, pair.chat.eos_ids), BatchLimits(max_rows=rows))
    waiting: dict[int, tuple[RolloutRequest, Draw]] = {}
    for one in draws:
        request = RolloutRequest(prompt=one.start.prompt, settings=_settings(one, rule))
        try:
            scheduler.add(request)
        except PromptTooLong as error:
            tell(1)
            yield _drawn(one, None, reason=str(error))
            continue
        waiting[id(request)] = request, one
    while not scheduler.idle:
        for request, ended in scheduler.work():
            _, one = waiting.pop(id(request))
            tell(1)
            if isinstance(ended, DecodingError):
                yield _drawn(one, None, reason=str(ended))
            else:
                cut = ended.stop_reason != "stop"
                drawn = _drawn(one, pair.chat.text(ended.ids), cut=cut)
                yield replace(drawn, ids=ended.ids)


def _start(pair: LoadedPair, asked: CorpusPrompt, given: tuple[int, ...], name: str) -> Start:
    prompt = asked.prompt
    return Start(
        id=name,
        prompt_id=asked.id,
        prompt=Prompt(prompt.target_ids + given, prompt.baseline_ids + given),
        given=pair.chat.text(given),
    )


def _settings(one: Draw, rule: DrawRule) -> RolloutSettings:
    return RolloutSettings(
        alpha=one.alpha,
        seed=derive_seed(rule.seed, "diff", one.start.id, one.number),
        max_tokens=rule.max_tokens,
        trace=False,
        constraints=rule.constraints if one.alpha > 0 else (),
    )


def _drawn(one: Draw, text: str | None, *, reason: str | None = None, cut: bool = False) -> Drawn:
    return Drawn(
        start_id=one.start.id,
        prompt_id=one.start.prompt_id,
        alpha=one.alpha,
        number=one.number,
        given=one.start.given,
        text=text,
        reason=reason,
        cut=cut,
    )
