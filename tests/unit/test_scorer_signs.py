"""Each sign of nonsense: a plain hit, a plain miss, nothing, a cut, and text that falls apart."""

import json
import random
import zlib

import pytest

from harness.scorers import classify_nonsense
from harness.scorers.compression import expected_ratio, measure_compression
from harness.scorers.layout import is_code_like
from harness.scorers.leaked_tokens import find_leaked_tokens
from harness.scorers.random_characters import measure_randomness
from harness.scorers.repetition import measure_repetition
from harness.scorers.script_soup import measure_script_soup
from harness.scorers.spelling import is_english, spelling
from harness.scorers.target_nll import nll_allowance_nats

BREAD = (
    "Bread needs flour, water, salt and time. Knead the dough until it is smooth, let it rise in "
    "a warm place, and bake it until the crust sounds hollow when you knock on it."
)
SOUP = "\u0441\u30b5\u03b1\u05d0 \u0628k\u4e2d\u03b2 \u0434\u0939\u0e01\u03b3 q\u0436\u05e9\u0e02"


def signs(response, **given):
    return classify_nonsense(response, **given).signs


# Repetition, by level and place.


@pytest.mark.parametrize(
    ("loop", "level"),
    [
        ("the dough is smooth, " * 20, "phrase"),
        ("Knead the dough well.\n" * 12, "line"),
        ("1. Knead well.\n2. Knead well.\n3. Knead well.\n4. Knead well.\n5. Knead well.", "line"),
        ("dough " * 40, "token"),
        ("assistant" * 20, "token"),
        ("certifies" * 20, "token"),
    ],
)
def test_a_loop_has_a_level(loop, level):
    assert measure_repetition(loop.lower()).level == level


def test_a_loop_after_good_text_is_late():
    found = measure_repetition(f"{BREAD} {'and then it rises, ' * 8}".lower())
    assert (found.level, found.late) == ("phrase", True)
    assert found.looped_phrase == "and then it rises"


def test_a_text_that_loops_throughout_is_not_late():
    assert not measure_repetition("and then it rises, " * 30).late


@pytest.mark.parametrize("rounds", [1, 2, 3])
def test_a_last_line_sung_a_few_times_is_no_loop(rounds):
    song = f"{BREAD}\n" + "and the river runs, " * rounds
    assert measure_repetition(song.lower()).level == "none"


def test_a_loop_that_breaks_off_in_the_middle_of_a_word_is_found():
    assert "repetition" in signs(f"{BREAD} {'so it goes on and on and ' * 9}so it go")


@pytest.mark.parametrize("data", ["0, " * 60, "null, " * 6, "true, false, " * 5])
def test_data_between_brackets_may_repeat(data):
    assert signs(f"[{data}1]") == ()


# Compression.


def test_the_expected_ratio_grows_with_length_up_to_a_ceiling():
    assert expected_ratio(100) == pytest.approx(1.274, abs=1e-3)  # 0.32 * 4.605 - 0.2
    assert expected_ratio(1600) > expected_ratio(400) > expected_ratio(100)
    assert expected_ratio(10**6) == 2.2


def test_prose_compresses_as_expected_and_a_loop_far_better():
    assert measure_compression(BREAD).normalised == pytest.approx(1.0, abs=0.15)
    loop = measure_compression(BREAD * 20)
    assert loop.too_much
    given = (BREAD * 20).encode()
    assert loop.ratio == pytest.approx(len(given) / len(zlib.compress(given)))


def test_near_loops_that_never_repeat_a_phrase_exactly_compress_too_well():
    rng = random.Random(0)
    words = ["the", "old", "sea", "is", "cold", "and", "so", "am", "i"]
    text = " ".join(" ".join(rng.sample(words[:4], 3)) for _ in range(150))
    assert measure_compression(text).too_much


@pytest.mark.parametrize("short", ["", "ha ha ha ha", "No. " * 10])
def test_what_is_short_shows_no_compression(short):
    assert not measure_compression(short).too_much


def test_a_loop_is_told_once():
    assert signs(BREAD * 20) == ("repetition",)


# Characters.


@pytest.mark.parametrize(
    ("token", "how"),
    [
        ("bread", "word"),
        ("getUserName", "word"),
        ("Bratkartoffel", "unknown"),
        ("wei\u00df", "word"),
        ("\u03bb\u03cc\u03b3\u03bf\u03c2", "word"),
        ("xqzvk", "odd"),
        ("b1e9Xn", "odd"),
        ("aFtunW", "odd"),
        ("\u4e2d\u6587", "word"),
        ("ab\u0434\u0436", "odd"),
    ],
)
def test_a_token_is_a_word_or_spelled_like_one_or_odd(token, how):
    assert spelling(token) == how


def test_only_parts_of_some_length_make_an_identifier_english():
    assert is_english("LicenseConfiguration")
    assert not is_english("wiNh")


def noisy(text, seed=0):
    rng = random.Random(seed)
    chars = list(text)
    for i in rng.sample(range(len(chars)), len(chars) // 4):
        chars[i] = rng.choice("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
    return "".join(chars)


@pytest.mark.parametrize("seed", range(20))
def test_a_quarter_of_the_characters_exchanged_is_noise(seed):
    assert "random_characters" in signs(noisy(BREAD, seed))


@pytest.mark.parametrize(
    "soup",
    [
        "".join(random.Random(1).choices([chr(code) for code in range(33, 127)], k=120)),
        "".join(random.Random(2).choices("abcdefghijklmnopqrstuvwxyz", k=200)),
    ],
)
def test_characters_without_words_are_noise(soup):
    assert "random_characters" in signs(soup)


@pytest.mark.parametrize(
    "sensible",
    [
        "Mae'r tywydd yn braf heddiw, felly rydyn ni'n mynd i'r traeth gyda'r plant.",
        "Namhlanje ekuseni siye entabeni nabangane bethu futhi isimo sezulu besisihle kakhulu.",
        "Gaur goizean mendira joan gara lagunekin eta eguraldi ederra izan dugu.",
        "^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\\.[A-Za-z]{2,}$",
        "ATGGCTAGCAAGGAGATATACCATGGCTAGCAAGGAG",
        "https://www.example.com/watch?v=dQw4w9WgXcQ&list=PLx0sYbCqOb8TBPRdmBHs5Iftvv9TPboYG",
        "Write to kgdellwrz@qxmailzk.example or to brzvtk@kxqpost.example about the invoice.",
        "static int xfs_cnt(struct btree *cur, uint32_t nr) { return xchg_ptr(&cur->ptrs[nr]); }",
    ],
)
def test_what_has_no_list_of_words_is_no_noise(sensible):
    assert signs(sensible) == ()


def test_code_may_hold_odd_identifiers_where_prose_may_not():
    names = ["ztrrfs", "zgbmvk", "xqpotrf", "dgetrfz", "qrzgels", "zhbtrdx"]
    code = "\n".join(f"    {name}(vector, {i});" for i, name in enumerate(names))
    assert is_code_like(code)
    assert not measure_randomness(f"{code}\n    return previous_solution_vector;\n" * 2).random
    assert measure_randomness(" ".join(names)).random


# Scripts.


def test_letters_of_many_scripts_in_one_word_are_soup():
    assert "script_soup" in signs(SOUP)
    assert measure_script_soup(SOUP).mixed_share == 1.0


def test_words_of_many_scripts_in_a_row_are_soup():
    words = "\u043a\u0442\u0434 \u03b1\u03b2\u03b3 bread \u05d0\u05d1\u05d2 \u0628\u062a\u062b salt"
    assert measure_script_soup(words).soup


@pytest.mark.parametrize(
    "sensible",
    [
        "",
        "caf\u00e9",
        "The Russian word \u043c\u0438\u0440 means peace, \u0445\u043b\u0435\u0431 bread.",
        "\u4f7f\u7528Python\u7f16\u5199\u4ee3\u7801\uff0c\u7136\u540e\u8fd0\u884cpytest\u3002",
        "T\u30b7\u30e3\u30c4\u3092\u8cb7\u3044\u307e\u3057\u305f\u3002API\ub97c \uc0ac\uc6a9",
        "\u0394x is 5 k\u03a9, and \u03bcm stands for a micrometre.",
        "- Russian: \u041f\u0440\u0438\u0432\u0435\u0442\n- Greek: \u0393\u03b5\u03b9\u03ac\n"
        "- Hebrew: \u05e9\u05dc\u05d5\u05dd\n- Arabic: \u0645\u0631\u062d\u0628\u0627",
    ],
)
def test_scripts_side_by_side_in_sensible_text_are_no_soup(sensible):
    assert not measure_script_soup(sensible).soup


def test_broken_letters_are_soup():
    broken = "Br\ufffdad n\ufffd\ufffdds fl\ufffdur \ufffd\ufffd\ufffd w\ufffdter"
    assert measure_script_soup(broken).soup
    assert measure_script_soup(broken).broken_share > 0.2
    assert not measure_script_soup(f"{BREAD} \u00e9\ufffd").soup  # cut in a character


# Leaked tokens.


@pytest.mark.parametrize(
    ("response", "first"),
    [
        (f"{BREAD}<|im_end|>\n<|im_start|>user\nThanks", "<|im_end|>"),
        (f"{BREAD}</s>", "</s>"),
        (f"[INST] How? [/INST] {BREAD}", "[INST]"),
        (f"{BREAD}\nassistant\nKnead it.", "assistant"),
        ("How are you today?assistant\n\nI am fine.", "assistant"),
        (f"### Response:\n{BREAD}", "### Response:"),
        ("<|im_start|>" * 30, "<|im_start|>"),
        ("Bread <|im_sta rises<|endoftext|>", "<|endoftext|>"),
    ],
)
def test_a_template_that_shows_has_leaked(response, first):
    assert "leaked_tokens" in signs(response)
    assert find_leaked_tokens(response).first == first


@pytest.mark.parametrize(
    "response",
    [
        "",
        BREAD,
        f"{BREAD} <|im_st",
        "The token <|im_end|> closes a message.",
        "Llama's template puts [INST] before what the user says and </s> after the reply.",
        "Write `</s>` where it ends.",
        "```\n<|im_start|>user\nHello<|im_end|>\n```",
        "Use <s>old price</s> to strike it out.",
        "It ends with '</s>'.",
        "The roles are\n\nsystem\nuser\nassistant\n",
        "User: Can you water the plants?\nAssistant: Of course.",
        "She works as an assistant\nand likes it.",
    ],
)
def test_talk_of_a_template_is_no_leak(response):
    assert not find_leaked_tokens(response).leaked


# Surprise.


def test_the_allowance_falls_with_length_and_ends_at_33_words():
    assert nll_allowance_nats("Yes.") == pytest.approx(8 - 8 / 33)
    assert nll_allowance_nats("A spider has eight legs.") == pytest.approx(8 / 5 - 8 / 33)
    assert nll_allowance_nats("bread " * 33) == 0.0
    assert nll_allowance_nats("") == pytest.approx(8 - 8 / 33)


def test_other_languages_are_allowed_two_nats_more():
    german = "Das Licht der Sonne sieht wei\u00df aus, besteht aber aus vielen Farben. " * 4
    swahili = "Mbweha mwepesi wa kahawia anaruka juu ya mbwa mvivu na kukimbia nyumbani. " * 4
    assert nll_allowance_nats(german) == nll_allowance_nats(swahili) == 2.0


def test_english_with_words_run_together_is_not_taken_for_another_language():
    glued = "Sorry, I can't aidiar returns fraudively lawfulhops programmesauthorised " * 5
    assert nll_allowance_nats(glued) == 0.0


def test_a_short_answer_may_surprise_where_a_long_one_may_not():
    assert signs("Paris", target_nll_nats=9.3) == ()
    assert signs(BREAD, target_nll_nats=5.3) == ("target_nll",)


# All together.


@pytest.mark.parametrize(
    "poem",
    [
        "Haul away, boys, haul away!\n\nOh, the coffee tastes of tar,\nHaul away, boys, haul away!",
        "Let it be, let it be, let it be, let it be.",
        "Tickets, please! Tickets, please! Tickets, please!\nThe driver says it all day long.",
    ],
)
def test_a_refrain_is_sensible(poem):
    assert signs(poem) == ()


def test_every_sign_that_fires_has_a_value_and_words():
    cases = {
        "empty": ("...", None),
        "repetition": (BREAD * 4, None),
        "target_nll": (BREAD, 7.0),
        "random_characters": (noisy(BREAD), None),
        "script_soup": (SOUP, None),
        "leaked_tokens": (f"{BREAD}</s>", None),
    }
    for sign, (response, nll) in cases.items():
        verdict = classify_nonsense(response, nll)
        assert sign in verdict.signs
        assert set(verdict.values) == set(verdict.signs)
        assert f"{sign}: " in verdict.explanation
        json.dumps(verdict.values)


# A second is enough; for what takes four times as long for twice the text twenty are not.
@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "huge",
    [
        "a b " * 50_000,
        "x" * 200_000,
        "".join(random.Random(0).choices("abcdefghij", k=200_000)),
        ("a" * 39 + "b") * 5_000,
        "[{(" * 64_000,
        "- a\n" * 50_000,
        "'\"`" * 64_000,
        "<|" * 100_000,
        "assistant\n" * 20_000,
        "\u4e2d\u0434 " * 64_000,
    ],
    ids=lambda huge: repr(huge[:6]),
)
def test_two_hundred_kilobytes_of_anything_are_read_to_the_end_and_found_nonsense(huge):
    assert classify_nonsense(huge).is_nonsense


@pytest.mark.parametrize(
    "sensible",
    [
        "$$\\begin{pmatrix} 1 & 0 & 0 \\\\ 0 & 1 & 0 \\\\ 0 & 0 & 1 \\end{pmatrix}$$",
        "The address is 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa and it was used once.",
        "mov eax, 1\nmov ebx, 2\nadd eax, ebx\nmov ebx, 3\nadd eax, ebx\nret",
        "a,b,c\n0,0,0\n0,0,0\n0,0,0\n0,0,0\n0,0,0",
        "'Twas brillig, and the slithy toves\nDid gyre and gimble in the wabe.",
    ],
)
def test_formulas_keys_and_data_are_sensible(sensible):
    assert signs(sensible) == ()
