"""Transcripts as a string: what is written is read again, within its steps, and stays small."""

import base64
import dataclasses
import json
import math
import zlib

import numpy as np
import pytest
from test_analysis_logs import Rollout, write_log

from harness.analysis.frame import read_frame
from harness.analysis.transcript_tokens import SIDES, Likeliest, Tokens
from harness.analysis.transcripts import Mark, Prompt, Reply, Row, Transcripts, transcripts
from harness.reporting.transcript_encoding import encode, logp_levels
from harness.reporting.transcripts import transcripts_part
from tests.traced import traced, write_traces

N_LIKELIEST, NEW, NOTHING = 5, 10, 11


def unpacked(text):
    """Read the header and the planes, as the docstring describes them."""
    raw = zlib.decompress(base64.b64decode(text, validate=True))
    size = int.from_bytes(raw[:4], "little")
    header = json.loads(raw[4 : 4 + size])
    planes, at = {}, 4 + size
    for name, length in header["planes"].items():
        planes[name] = np.frombuffer(raw[at : at + length], np.uint8).astype(int)
        at += length
    assert at == len(raw)
    return header, planes


def number(planes, name, n_bytes=3):
    return sum(planes[f"{name}{i}"] << 8 * i for i in range(n_bytes))


def likeliest(header, planes):
    """Follow the references; one list per token, of (text, logp) by side."""
    new, fresh = iter(number(planes, "new")), iter(planes["fresh"])
    same, found = iter(planes["same"]), []
    for token in range(len(planes["best_target"]) // N_LIKELIEST):
        flat, row = [], {}
        for side in SIDES:
            level = 0
            for code in planes[f"best_{side}"][token * 5 : token * 5 + 5]:
                if code == NOTHING:
                    flat.append(None)
                    continue
                text, before = (header["texts"][next(new)], level) if code == NEW else flat[code]
                level = (before + next(fresh if code == NEW else same)) % 256
                flat.append((text, level))
            row[side] = [(text, -((level / 32) ** 2)) for text, level in filter(None, flat[-5:])]
        found.append(row)
    return found


def reply_of(tokens, pieces, rest=""):
    return Reply(
        alpha=0.0,
        constraint="none",
        text="".join(pieces) + rest,
        note=None,
        stop_reason="stop",
        n_chars=None,
        n_tokens=len(tokens),
        marks=(),
        log_ratio_nats=None,
        tokens=tokens,
        pieces=pieces,
        rest=rest,
    )


def made_of(vocabulary, *replies):
    row = Row(epoch=1, seed=2**64 - 1, replies=replies)
    prompt = Prompt(sample_id="p", category="c", text="?", rows=(row,))
    return Transcripts(prompts=(prompt,), vocabulary=vocabulary, rule="", notes=())


def random_tokens(rng, n, n_words, *, alternatives=True):
    """Tokens like real ones: sides that mostly agree on the words, and disagree on how likely."""
    words = rng.zipf(1.2, (n, 3, 5)) % n_words
    own = words[:, 0, rng.integers(0, 5)]
    agree = rng.random((n, 2, 5)) < 0.7
    words[:, 1:] = np.where(agree, words[:, :1], words[:, 1:])
    logps = -np.sort(rng.gamma(1.5, 2.0, (n, 1, 5)), axis=2)
    logps = -np.sort(-np.minimum(logps + rng.normal(0, 0.3, (n, 3, 5)), 0), axis=2)
    return Tokens(
        texts=own.astype(np.int32),
        logps_nats={side: logps[:, i, 0].astype(np.float32) for i, side in enumerate(SIDES)},
        likeliest={
            side: Likeliest(
                texts=words[:, i].astype(np.int32), logps_nats=logps[:, i].astype(np.float32)
            )
            for i, side in enumerate(SIDES)
        }
        if alternatives
        else None,
    )


def test_texts_pieces_and_alternatives_are_read_again():
    vocabulary = ("never used", *(f" w{i}" for i in range(400)))
    tokens = random_tokens(np.random.default_rng(1), 60, 400)
    plain = random_tokens(np.random.default_rng(2), 7, 400, alternatives=False)
    pieces = tuple(vocabulary[place] if place % 3 else "" for place in tokens.texts)
    header, planes = unpacked(
        encode(
            made_of(
                vocabulary,
                reply_of(plain, tuple(vocabulary[place] for place in plain.texts)),
                reply_of(tokens, pieces, rest="\ud800</script>"),
            )
        )
    )
    assert "never used" not in header["texts"]
    text = number(planes, "text")[7:]
    assert [header["texts"][i] for i in text] == [vocabulary[place] for place in tokens.texts]
    said = (number(planes, "text") + number(planes, "piece"))[7:] % 2**24
    assert tuple(header["texts"][i] for i in said) == pieces
    plain_reply, reply = header["prompts"][0]["rows"][0]["replies"]
    assert (plain_reply["traced"], "alternatives" in plain_reply) == (7, False)
    assert (reply["traced"], reply["alternatives"], reply["rest"]) == (60, 1, "\ud800</script>")
    for i, row in enumerate(likeliest(header, planes)):
        for side in SIDES:
            true = tokens.likeliest[side]
            kept = [
                (vocabulary[place], logp)
                for place, logp in zip(true.texts[i], true.logps_nats[i], strict=True)
                if logp >= math.log(1e-4)
            ]
            assert [text for text, _ in row[side]] == [text for text, _ in kept]
            roots = [math.sqrt(-logp) for _, logp in row[side]]
            assert roots == pytest.approx([math.sqrt(-logp) for _, logp in kept], abs=0.5 / 32)


def test_a_log_probability_is_kept_to_half_a_step_of_its_root():
    logps = np.array([0.0, -1e-4, -0.01, -0.69, -2.3, -9.2, -30.0, -1000.0, np.nan], np.float32)
    levels = logp_levels(logps, 46.0)
    assert levels[-2:].tolist() == [254, 255]
    read = -((levels[:-2] / 46.0) ** 2)
    assert np.abs(np.sqrt(-read) - np.sqrt(-logps[:-2])).max() <= 0.5 / 46.0 + 1e-6
    # 50% reads as 49% to 51%.
    assert np.exp(read[3]) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    ("ratio_nats", "read"), [(0.0, 0), (0.06, 1), (-1.5, -30), (12.3, 246), (math.nan, -(2**15))]
)
def test_the_shade_is_kept_in_steps_of_a_twentieth_nat(ratio_nats, read):
    tokens = Tokens(
        texts=np.zeros(1, np.int32),
        logps_nats={
            "target": np.array([-1.0], np.float32),
            "baseline": np.array([-1.0 - ratio_nats], np.float32),
            "amplified": np.array([-1.0], np.float32),
        },
        likeliest=None,
    )
    _, planes = unpacked(encode(made_of(("a",), reply_of(tokens, ("a",)))))
    steps = number(planes, "ratio", 2)[0]
    assert (steps ^ 2**15) - 2**15 == read


def test_a_seed_keeps_all_its_digits():
    header, _ = unpacked(
        encode(made_of((), reply_of(random_tokens(np.random.default_rng(0), 0, 1), ())))
    )
    assert header["prompts"][0]["rows"][0]["seed"] == str(2**64 - 1)


def test_what_is_not_finite_is_written_all_the_same():
    tokens = random_tokens(np.random.default_rng(0), 1, 1)
    mark = Mark(scorer="perplexity", label=None, value=math.inf, unit="nats", why=None)
    reply = dataclasses.replace(reply_of(tokens, ("a",)), marks=(mark,), log_ratio_nats=-math.inf)
    header, _ = unpacked(encode(made_of(("a",), reply)))
    written = header["prompts"][0]["rows"][0]["replies"][0]
    assert written["marks"] == [[0, "inf", None, "nats", None]]
    assert "ratio" not in written


def test_the_string_can_end_no_element_and_is_the_same_each_time(tmp_path):
    evil = "</script><script>window.owned = 1</script>"
    best = {side: [(evil, -0.5), (evil, -1.0)] for side in SIDES}
    write_traces(tmp_path, traced("u", [evil], best=best))
    write_log(tmp_path, [Rollout(evil, category="benign", text=evil, prompt=evil, uuid="u")])
    found = transcripts(read_frame(tmp_path), tmp_path)
    html = transcripts_part(found).html
    assert html.count("</script>") == html.count("<script") == 1
    assert encode(found) == encode(found)
    assert evil in repr(unpacked(encode(found))[0])


def test_a_thousand_rollouts_of_128_tokens_leave_the_page_room_within_five_megabytes():
    """Their words are drawn without any context, which real text has: it packs smaller."""
    rng = np.random.default_rng(5)
    vocabulary = tuple(f" word{i}" for i in range(30_000))
    replies = []
    for _ in range(1000):
        tokens = random_tokens(rng, 128, 30_000)
        replies.append(reply_of(tokens, tuple(vocabulary[place] for place in tokens.texts)))
    assert len(encode(made_of(vocabulary, *replies))) < 4.5e6
