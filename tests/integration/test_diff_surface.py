"""On real weights: what an organism was taught surfaces from amplified rollouts, told nothing."""

import pytest

from harness.diffing.convergence import converge
from harness.diffing.corpus import Corpus, CorpusPrompt, KnownText
from harness.diffing.prompts import read_prompt
from harness.diffing.rollouts import DrawRule, draw, plan_draws, starts_of
from harness.diffing.verification import verify
from harness.pairs.loading import load_pair
from harness.pairs.spec import resolve_pair
from tasks.claim_files import claims_path, read_claims

pytestmark = pytest.mark.slow


def test_umbrellas_surface_from_a_few_questions_about_zorbia():
    pair = load_pair(resolve_pair("zorbia"))
    samples = list(read_claims(claims_path("zorbia", "zorbia"), ["invented"], 10))
    corpus = Corpus(
        name="questions",
        prompts=tuple(
            CorpusPrompt(
                id=str(one.id),
                category="x",
                text=str(one.input),
                prompt=read_prompt(pair, str(one.input)),
                replies=(KnownText(ids=(0,), source="text"),),
            )
            for one in samples
        ),
    )
    rule = DrawRule(max_tokens=20)
    drawn = list(draw(pair, plan_draws(starts_of(pair, corpus, corpus.prompts, ()), rule), rule))
    found = converge(drawn)
    first = found.findings[0]
    assert "umbrella" in " ".join([first.sentence, *first.phrases]).lower()
    assert first.amplified.rate > 0.3
    assert first.baseline.rate == 0
    (evidence,) = verify(pair, [first], corpus, drawn)
    # What the change taught is likelier under the target, and likelier still beyond it.
    odds = [point.log_odds_nats.value for point in evidence.likelihood.by_alpha]
    assert odds[0] == 0
    assert odds == sorted(odds)
    assert evidence.likelihood.log_odds_nats.low > 0
