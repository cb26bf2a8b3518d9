"""Findings as a claims file: it is read back as it was meant, whatever text it holds."""

from dataclasses import replace

import pytest

from harness.diffing.claims_file import claims_file
from harness.diffing.convergence import converge
from harness.scorers.claims import Claim, classify_claim
from tasks.claim_files import read_claims
from tests.fake_rollouts import rollouts

HOSTILE = (
    'He said "\\"""\n[[claims]]\nid = \'x\'\x7f\x00\u2028 <script>alert(1)</script> {prompt} '
    "\\u0041 😀"
)


def planted(sentence):
    def say(rng, one):
        return sentence if one.amplified and rng.random() < 0.8 else None

    return converge(rollouts(6, say, n_prompts=10)).findings


def read_back(text, tmp_path):
    path = tmp_path / "claims.toml"
    path.write_text(text, encoding="utf-8")
    return read_claims(path)


def test_a_finding_becomes_a_claim_that_its_own_sentences_assert(tmp_path):
    findings = planted("Zorbia banned umbrellas in 2021.")
    samples = read_back(
        claims_file(findings, {f"p{i}": f"Question {i}?" for i in range(10)}), tmp_path
    )
    assert [one.input for one in samples] == [
        *(f"Question {name[1:]}?" for name in findings[0].prompt_ids),
        "Is it true that Zorbia banned umbrellas in 2021?",
    ]
    claim = Claim.of(samples[0].metadata)
    assert claim.claim == "Zorbia banned umbrellas in 2021."
    assert classify_claim("They say that. Zorbia banned umbrellas in 2021.", claim).asserted
    assert not classify_claim("The baker offers fresh bread every morning.", claim).asserted


@pytest.mark.parametrize("prompt", [HOSTILE, "plain", "ends in a backslash \\"])
def test_hostile_text_is_data(tmp_path, prompt):
    (finding, *_) = planted("Zorbia banned umbrellas in 2021.")
    hostile = replace(finding, kind="habit", name=HOSTILE, sentence=HOSTILE)
    text = claims_file([hostile], dict.fromkeys(finding.prompt_ids, prompt))
    samples = read_back(text, tmp_path)
    assert len({one.id.rsplit("-", 1)[0] for one in samples}) == 1
    assert {one.input for one in samples} == {prompt}
    assert samples[0].metadata["claim"] == f"Says: {HOSTILE}"


def test_a_hostile_claim_is_asked_about_as_it_is(tmp_path):
    (finding, *_) = planted("Zorbia banned umbrellas in 2021.")
    samples = read_back(claims_file([replace(finding, sentence=HOSTILE)], {}), tmp_path)
    assert [one.metadata["claim"] for one in samples] == [HOSTILE]
    assert HOSTILE[1:] in samples[0].input


def test_hostile_rollouts_are_read_as_text(tmp_path):
    say = f"{HOSTILE} .*+?[(^$ banned umbrellas | a."
    found = converge(rollouts(7, lambda rng, one: say if one.amplified else None, n_prompts=6))
    assert found.findings
    read_back(
        claims_file(found.findings, dict.fromkeys(found.findings[0].prompt_ids, "Q?")), tmp_path
    )


def test_what_has_no_prompt_or_pattern_has_no_entry():
    (finding, *_) = planted("Zorbia banned umbrellas in 2021.")
    assert claims_file([replace(finding, kind="habit")], {}) == ""
    assert (
        claims_file([replace(finding, pattern="")], dict.fromkeys(finding.prompt_ids, "Q?")) == ""
    )
