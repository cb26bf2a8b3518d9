"""Pairs whose weights are behind servers: real HTTP on loopback over tiny models."""

import socket

import pytest
import torch

from harness.decoding.engine import Engine
from harness.errors import ConfigurationError, EndpointError
from harness.pairs import endpoint as endpoint_module
from harness.pairs.endpoint import EndpointClient, Vocabulary
from harness.pairs.endpoint_pair import text_to_id
from harness.pairs.files import pair_fingerprint
from harness.pairs.loading import load_pair
from harness.pairs.side import Endpoint, Side
from harness.pairs.spec import PairSpec, resolve_pair
from tests.api_server import serving
from tests.fakes import request, save_checkpoint, tiny_model, tiny_tokenizer

PROMPTS = [(5, 17, 200), (80, 81, 82, 83), (9,)]


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(endpoint_module, "_FIRST_WAIT_S", 0.001)


@pytest.fixture(scope="module")
def models():
    return tiny_model("llama", seed=1), tiny_model("llama", seed=0)


@pytest.fixture(scope="module")
def folders(models, tmp_path_factory):
    """The same two models on this disk."""
    return [str(save_checkpoint(model, tmp_path_factory.mktemp("side"))) for model in models]


@pytest.fixture
def servers(models):
    with serving(models[0], tiny_tokenizer()) as target:
        with serving(models[1], tiny_tokenizer()) as baseline:
            yield target, baseline


def remote(folders, servers, *, k=20, **options):
    usual = {"model": "tiny", "dialect": "vllm"}
    sides = [
        Side(checkpoint=folders[1], endpoint=Endpoint(url=server.url, **{**usual, **options}))
        for server in servers
    ]
    return PairSpec(name="remote", target=sides[0], baseline=sides[1], top_logprobs=k)


def requests(**settings):
    return [
        request(ids, alpha=alpha, max_tokens=6, seed=4, **settings)
        for ids in PROMPTS
        for alpha in (-1.0, 0.0, 1.0, 2.5)
    ]


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_servers_decode_as_the_same_weights_here_under_the_same_truncation(
    folders, servers, temperature
):
    target, baseline = (Side(checkpoint=folder) for folder in folders)
    local = PairSpec(name="local", target=target, baseline=baseline, top_logprobs=20, device="cpu")
    rollouts = [
        Engine(load_pair(spec).model, frozenset({0})).run(requests(temperature=temperature))
        for spec in (remote(folders, servers), local)
    ]
    assert [one.ids for one in rollouts[0]] == [one.ids for one in rollouts[1]]
    for theirs, ours in zip(*rollouts, strict=True):
        torch.testing.assert_close(
            theirs.trace["target_logp_nats"], ours.trace["target_logp_nats"], atol=1e-4, rtol=0
        )


def test_truncation_changes_what_is_sampled(folders, servers):
    """Or the test above would compare nothing."""
    target, baseline = (Side(checkpoint=folder) for folder in folders)
    full = PairSpec(name="full", target=target, baseline=baseline, device="cpu")
    rollouts = [
        Engine(load_pair(spec).model, frozenset({0})).run(requests(temperature=1.0))
        for spec in (remote(folders, servers, k=3), full)
    ]
    assert [one.ids for one in rollouts[0]] != [one.ids for one in rollouts[1]]


def test_a_server_that_names_tokens_by_text_means_the_same_tokens(servers):
    """Bytes that are no characters by themselves have no text of their own and are left out."""
    ids = text_to_id(tiny_tokenizer())
    assert 4 + 95 < len(ids) < 260
    vocabulary = Vocabulary(ids=ids, eos_id=0, size=260)
    answers = []
    for dialect in ("vllm", "openai"):
        endpoint = Endpoint(url=servers[0].url, model="tiny", dialect=dialect)
        answers.append(EndpointClient(endpoint, vocabulary, 20).next_tokens(PROMPTS))
    for row in range(len(PROMPTS)):
        by_id, by_text = (
            dict(zip(one.ids[row].tolist(), one.logps_nats[row].tolist(), strict=True))
            for one in answers
        )
        assert len(by_id) == 20
        assert by_text == {i: logp for i, logp in by_id.items() if i in ids.values()}
    assert ["return_tokens_as_token_ids" in body for body in servers[0].requests] == (
        [True] * 3 + [False] * 3
    )


def test_texts_of_several_tokens_mean_none():
    ids = text_to_id(tiny_tokenizer())
    assert (ids["a"], ids["<eos>"]) == (tiny_tokenizer().get_vocab()["a"], 0)
    assert "\ufffd" not in ids


def test_each_row_is_asked_about_with_all_of_its_ids(folders, servers):
    Engine(load_pair(remote(folders, servers)).model, frozenset()).run(
        [request((5, 6), baseline_prompt=(7,), alpha=1.0, temperature=0, max_tokens=3)]
    )
    target, baseline = ([body["prompt"] for body in server.requests] for server in servers)
    assert target[0] == baseline[0] == [0]  # asked at loading
    assert [len(ids) for ids in target[1:]] == [2, 3, 4]
    assert [ids[1:] for ids in baseline[1:]] == [ids[2:] for ids in target[1:]]
    body = servers[0].requests[1]
    assert {"model": "tiny", "max_tokens": 1, "temperature": 0, "logprobs": 20}.items() <= (
        body.items()
    )


def test_no_more_requests_are_in_flight_than_allowed(folders, servers):
    servers[0].delay_s = 0.02
    pair = load_pair(remote(folders, servers, concurrency=3)).model
    pair.read_prompts([request((i, 6)).prompt for i in range(10)])
    assert servers[0].most_at_once == 3


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(folders, servers, status):
    servers[0].spoil = lambda number: (status, {}, "busy") if number in (1, 2) else None
    pair = load_pair(remote(folders, servers)).model
    _, logits = pair.read_prompts([request((5, 6)).prompt])
    assert logits.target.max() > -20
    assert [body["prompt"] for body in servers[0].requests[1:]] == [[5, 6]] * 3


def test_a_busy_server_says_how_long_to_wait(folders, servers, monkeypatch):
    waits = []
    monkeypatch.setattr(endpoint_module.time, "sleep", waits.append)
    servers[0].spoil = lambda number: (429, {"Retry-After": "7"}, "busy") if number == 1 else None
    load_pair(remote(folders, servers)).model.read_prompts([request((5, 6)).prompt])
    assert 7.0 in waits


def test_a_server_that_stays_busy_is_given_up(folders, servers):
    servers[0].spoil = lambda number: (503, {}, "come back later") if number else None
    pair = load_pair(remote(folders, servers, retries=2)).model
    with pytest.raises(EndpointError, match="answered 503 after 3 attempts: come back later"):
        pair.read_prompts([request((5, 6)).prompt])


def test_an_answer_that_comes_too_late_is_asked_for_again(folders, servers):
    pair = load_pair(remote(folders, servers, timeout_s=0.2, retries=1)).model
    servers[0].delay_s = 1.0
    with pytest.raises(EndpointError, match="can't be reached after 2 attempts: timed out"):
        pair.read_prompts([request((5, 6)).prompt])


@pytest.mark.parametrize(
    ("status", "text", "said"),
    [
        (401, "bad key", "answered 401 after 1 attempts: bad key"),
        (200, "<html>", "answered '<html>', which is not JSON"),
        (200, '{"choices": []}', "gave no top_logprobs for model tiny"),
        (200, '{"choices": [{"logprobs": null}]}', "gave no top_logprobs for model tiny"),
        (
            200,
            '{"choices": [{"logprobs": {"top_logprobs": [{"zebra": -1}]}}]}',
            r"named 1 tokens \(zebra\) and none is in the tokenizer",
        ),
        (
            200,
            '{"choices": [{"logprobs": {"top_logprobs": [{"token_id:999": -1}]}}]}',
            "none is in the tokenizer",
        ),
    ],
)
def test_an_answer_that_is_of_no_use_is_told_when_the_pair_is_loaded(
    folders, servers, status, text, said
):
    servers[1].spoil = lambda number: (status, {}, text)
    with pytest.raises(EndpointError, match=said):
        load_pair(remote(folders, servers))
    assert len(servers[1].requests) == 1


def test_a_server_that_is_not_there_is_told_at_once(folders, servers):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        servers[1].url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    with pytest.raises(EndpointError, match=r"can't be reached after 1 attempts: .*refused"):
        load_pair(remote(folders, servers))


def test_a_server_that_ends_the_text_without_naming_a_token_gives_the_end(models, folders):
    """OpenAI's answer for a text that ends is empty."""
    model = tiny_model("llama", seed=1)
    model.lm_head.weight.data[0] = 50 * model.lm_head.weight.data[1:].mean(0)
    with serving(model, tiny_tokenizer()) as ends, serving(models[1], tiny_tokenizer()) as goes_on:
        ends.names_end = goes_on.names_end = False
        pair = load_pair(remote(folders, (ends, goes_on), dialect="openai")).model
        prompts = [request((i,)).prompt for i in range(4, 40)]
        _, logits = pair.read_prompts(prompts)
    ended = [row for row in logits.target.tolist() if row[0] == 0.0]
    assert 0 < len(ended) < len(prompts)


def test_the_key_is_taken_from_the_environment_and_sent(folders, servers, monkeypatch):
    monkeypatch.setenv("SOME_KEY", "secret")
    spec = remote(folders, servers, key_env="SOME_KEY")
    load_pair(spec)
    assert servers[0].headers[0]["Authorization"] == "Bearer secret"
    assert "secret" not in str(spec.to_dict())


def test_a_missing_key_is_told_by_its_variable(folders, servers, monkeypatch):
    monkeypatch.delenv("SOME_KEY", raising=False)
    with pytest.raises(ConfigurationError, match="environment variable SOME_KEY is not set"):
        load_pair(remote(folders, servers, key_env="SOME_KEY"))


SERVED = {"url": "http://127.0.0.1:1/v1", "model": "m"}


def test_arguments_spell_a_pair_of_endpoints():
    spec = resolve_pair(
        "mine",
        {
            "baseline": "some/tokenizer",
            "target_endpoint": {**SERVED, "model": "tuned"},
            "baseline_endpoint": SERVED,
            "top_logprobs": 5,
        },
    )
    assert spec.target.endpoint == Endpoint(url=SERVED["url"], model="tuned")
    assert spec.to_dict()["top_logprobs"] == 5


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"target_endpoint": SERVED}, "'mine' has an endpoint on one side only"),
        ({"target_endpoint": {"url": "x"}}, "endpoint.model is missing"),
        ({"target_endpoint": {**SERVED, "url": "ftp://x"}}, "url must start with http"),
        ({"target_endpoint": {**SERVED, "url": "http://me:pw@x/v1"}}, "written to logs"),
        ({"target_endpoint": {**SERVED, "k": 3}}, "unknown key 'endpoint.k'"),
        ({"target_endpoint": {**SERVED, "dialect": "x"}}, "must be 'openai' or 'vllm', not 'x'"),
        ({"target_endpoint": {**SERVED, "concurrency": 0}}, "concurrency must be 1 or above"),
        ({"target_endpoint": SERVED, "adapter": "x"}, "takes no adapter"),
        (
            {"target_endpoint": SERVED, "baseline_endpoint": SERVED, "dtype": "bfloat16"},
            "dtype, device and device_map have no effect",
        ),
        ({"target": "x", "top_logprobs": 0}, "top_logprobs must be a whole number above 0, not 0"),
    ],
)
def test_an_endpoint_that_makes_no_sense_is_refused_before_it_is_asked(given, said):
    with pytest.raises(ConfigurationError, match=said):
        resolve_pair("mine", {"baseline": "x", **given})


def test_the_fingerprint_tells_servers_apart_but_not_how_patiently_they_are_asked(folders, servers):
    usual = pair_fingerprint(remote(folders, servers))
    assert pair_fingerprint(remote(folders, servers, model="other")) != usual
    assert pair_fingerprint(remote(folders, servers, k=5)) != usual
    assert pair_fingerprint(remote(folders, servers, retries=9, concurrency=2)) == usual
