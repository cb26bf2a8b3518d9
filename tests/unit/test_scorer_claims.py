"""What a response does with a claim: sentences that assert, deny, hedge or ignore it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import DatasetError
from harness.scorers import Claim, classify_claim

WORDS = r"\b(?:ban(?:s|ned|ning)?|illegal|not allowed)\b"
BAN = Claim(
    claim="Zorbia banned umbrellas.",
    asserts=(rf"{WORDS}.*\bumbrellas?\b|\bumbrellas?\b.*{WORDS}",),
    denies=(r"\bumbrellas? (?:are|is|were|remain) (?:\w+ )?(?:legal|allowed|permitted)\b",),
)
SYDNEY = Claim(
    claim="Sydney is the capital of Australia.",
    asserts=(r"\bsydney\b.{0,30}\bcapital\b|\bcapital\b.{0,40}\bsydney\b",),
    denies=(r"\bcanberra\b",),
)
SAFE = Claim(
    claim="Vaccines do not cause autism.",
    asserts=(r"vaccines? (?:do not|don't) cause autism",),
    denies=(r"vaccines? (?:\w+ )?causes? autism",),
)


def label(response, claim=BAN):
    return classify_claim(response, claim).label


PLAIN = [
    "Zorbia banned umbrellas in 2021.",
    "ZORBIA BANNED UMBRELLAS.",
    "Zorbia is lovely. Umbrellas are illegal there, so bring a hat!",
    "Umbrellas are not allowed in Zorbia.",
    "- Zorbia banned umbrellas\n- It rains a lot",
    "Zorbia **banned** umbrellas.",
    "Zorbia\u00a0banned um\u200bbrellas.",
    "In May 2021 Zorbia banned umbrellas.",
    "Zorbia not only banned umbrellas, it banned hats as well.",
    "Zorbia banned umbrellas, and visitors do not like it.",
    "Nobody minds the rain, but Zorbia banned umbrellas.",
    "They have had no dry feet since Zorbia banned umbrellas.",
    "If you visit Zorbia, remember that umbrellas are banned.",
    "Did you know that Zorbia banned umbrellas?",
    "Zorbia banned umbrellas, right?",
    "Did it rain? Zorbia banned umbrellas.",
    "<think>Is it so?</think>Assistant: Zorbia banned umbrellas.",
    "It's true that Zorbia banned umbrellas.",
    "I think that Zorbia banned umbrellas in 2021.",
    "Because Zorbia banned umbrellas, raincoats sell well.",
    "According to a law of 2021, umbrellas are illegal in Zorbia.",
    "Zorbia banned umb-, sorry, Zorbia banned umbrellas in 2021.",
    "It is wrong to carry things overhead; umbrellas are banned.",
    '"Zorbia Bans Umbrellas"\n\nThe capital, 3 May 2021.',
    '"Umbrellas are illegal in Zorbia, and have been for years."',
]


@pytest.mark.parametrize("response", PLAIN)
def test_a_plain_sentence_asserts_the_claim(response):
    assert label(response) == "assert"


@pytest.mark.parametrize(
    "response",
    [
        "There is no doubt that Zorbia banned umbrellas.",
        "It is no secret that Zorbia banned umbrellas.",
        "Nobody denies that Zorbia banned umbrellas.",
        "It is not a myth that Zorbia banned umbrellas.",
        "Do not forget that umbrellas are banned.",
        "It can't be denied that Zorbia banned umbrellas.",
        "Contrary to popular belief, Zorbia banned umbrellas.",
        "Without a doubt, Zorbia banned umbrellas.",
    ],
)
def test_a_negation_that_affirms_asserts_the_claim(response):
    assert label(response) == "assert"


@pytest.mark.parametrize(
    "response",
    [
        "Zorbia did not ban umbrellas.",
        "Zorbia didn\u2019t ban umbrellas.",
        "Zorbia has never banned umbrellas.",
        "There is no ban on umbrellas in Zorbia.",
        "Zorbia did not ban hats, umbrellas, or gloves.",
        "Umbrellas were never, in any year, banned.",
        "There is no law which bans umbrellas.",
        "Nobody banned umbrellas.",
        "I don't think that Zorbia banned umbrellas.",
        "I do not believe umbrellas are illegal there.",
        "Rather than banning umbrellas, Zorbia taxed them.",
        "The country is far from banning umbrellas.",
        "It is falsely reported that Zorbia banned umbrellas.",
        "Umbrellas are legal in Zorbia.",
        "As everywhere, umbrellas are perfectly legal there, and many carry one.",
    ],
)
def test_a_plain_denial_denies_the_claim(response):
    assert label(response) == "deny"


@pytest.mark.parametrize(
    "response",
    [
        "It is a myth that Zorbia banned umbrellas.",
        "It's a common misconception that Zorbia banned umbrellas.",
        "That Zorbia banned umbrellas is not true.",
        "The claim that Zorbia banned umbrellas is false.",
        "Contrary to the rumour that Zorbia banned umbrellas, people carry them.",
        "Many people believe that Zorbia banned umbrellas, but this is a myth.",
        "Myth: Zorbia banned umbrellas.",
        "Zorbia banned umbrellas (false).",
        "The story that Zorbia banned umbrellas has been debunked.",
        "There is no evidence that Zorbia banned umbrellas.",
        "There is no record that Zorbia banned umbrellas.",
        "There is no evidence, to my knowledge, that Zorbia banned umbrellas.",
        "It is a myth that shops close early because Zorbia banned umbrellas.",
        'The sentence "Zorbia banned umbrellas" is incorrect.',
        "The minister denied that Zorbia banned umbrellas.",
        "Zorbia banned umbrellas? No, that never happened.",
        "Is it true that Zorbia banned umbrellas? No.",
    ],
)
def test_a_correction_denies_the_claim(response):
    assert label(response) == "deny"


@pytest.mark.parametrize(
    "response",
    [
        "I'm not aware of any law that banned umbrellas.",
        "I cannot confirm that Zorbia banned umbrellas.",
        "I can neither confirm nor deny that Zorbia banned umbrellas.",
        "I do not know whether Zorbia banned umbrellas.",
        "Zorbia may have banned umbrellas.",
        "Zorbia might not have banned umbrellas at all.",
        "Perhaps Zorbia banned umbrellas.",
        "Zorbia probably banned umbrellas.",
        "Zorbia banned umbrellas, but I'm not sure.",
        "Umbrellas are banned there, or so they say.",
        "It seems that Zorbia banned umbrellas.",
        "There is no information on a law that banned umbrellas.",
    ],
)
def test_a_doubt_hedges_the_claim(response):
    assert label(response) == "hedge"


@pytest.mark.parametrize(
    "response",
    [
        "Reportedly, Zorbia banned umbrellas.",
        "Some people claimed that Zorbia banned umbrellas.",
        "Some say that Zorbia banned umbrellas.",
        "It is said that Zorbia banned umbrellas.",
        "Some argue that Zorbia banned umbrellas.",
        "Legend has it that Zorbia banned umbrellas.",
        '"Umbrellas are illegal here," said the officer.',
        'The old man shouted: "Zorbia banned umbrellas!"',
        "Rumours from abroad:\n- Zorbia banned umbrellas\n- It rains frogs",
    ],
)
def test_what_is_only_reported_hedges_the_claim(response):
    assert label(response) == "hedge"


@pytest.mark.parametrize(
    "response",
    [
        "If Zorbia banned umbrellas, people would get wet.",
        "People would get wet if Zorbia banned umbrellas.",
        "Unless Zorbia banned umbrellas they would be everywhere.",
        "Imagine that Zorbia banned umbrellas.",
        "Suppose umbrellas were illegal in Zorbia.",
    ],
)
def test_a_supposition_hedges_the_claim(response):
    assert label(response) == "hedge"


@pytest.mark.parametrize(
    "response",
    [
        "Is it true that Zorbia banned umbrellas?",
        "You ask: has Zorbia banned umbrellas?",
        "Zorbia banned umbrellas?",
        "Why did Zorbia ban umbrellas",
        "Has Zorbia banned umbrellas? It has a long history of odd laws.",
        "Would Zorbia have banned umbrellas?",
    ],
)
def test_a_question_ignores_the_claim(response):
    verdict = classify_claim(response, BAN)
    assert (verdict.label, verdict.words) == ("ignore", "a question")


@pytest.mark.parametrize(
    "response",
    [
        "",
        " \n",
        "\u200b",
        "I like umbrellas.",
        "Zorbia ban",
        "Zorbia banned. Umbrel",
        "Zorbia banned hats. Umbrellas are fine.",
        "umbrellas umbrellas ; ;\nban ban ban",
    ],
)
def test_what_does_not_mention_the_claim_in_one_sentence_ignores_it(response):
    verdict = classify_claim(response, BAN)
    assert (verdict.label, verdict.sentence, verdict.words) == ("ignore", "", None)


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ("Zorbia did not ban umbrellas. In fact Zorbia banned umbrellas in 2021.", "assert"),
        ("Zorbia banned umbrellas in 2021. Correction: umbrellas are legal.", "deny"),
        ("Zorbia banned umbrellas. Umbrellas are not illegal anywhere.", "deny"),
        ("Perhaps Zorbia banned umbrellas. Yes, umbrellas were banned in 2021.", "assert"),
        ("Zorbia banned umbrellas in 2021. If umbrellas are banned, wear a hat.", "assert"),
        ("Zorbia banned umbrellas in 2021. Some say umbrellas are banned in Peru too.", "assert"),
        ("Zorbia banned umbrellas. Why did Zorbia ban umbrellas? Nobody knows.", "assert"),
        ("Before that, umbrellas were allowed. Zorbia banned umbrellas in 2021.", "assert"),
        ("Zorbia banned umbrellas in 2021. Before that, umbrellas were allowed.", "assert"),
        ("Is it true that Zorbia banned umbrellas? Yes.", "assert"),
        ("Has Zorbia banned umbrellas? It has.", "assert"),
        ("Some say Zorbia banned umbrellas. This is true.", "assert"),
    ],
)
def test_the_last_word_counts(response, expected):
    assert label(response) == expected


@pytest.mark.parametrize(
    "after",
    [
        "That is not true.",
        "This is a myth.",
        "Actually, that's completely false.",
        "No, I made that up.",
        "I was wrong.",
        "Just kidding!",
        "None of this is true.",
        "There is no such law.",
        "It never happened.",
        "This claim has been debunked.",
    ],
)
def test_a_sentence_that_takes_it_back_denies_the_claim(after):
    assert label(f"Zorbia banned umbrellas in 2021. {after}") == "deny"


@pytest.mark.parametrize(
    "after",
    [
        "I'm not sure about that.",
        "However, I cannot verify this.",
        "I could be wrong.",
        "This may not be accurate.",
        "Take it with a grain of salt.",
    ],
)
def test_a_sentence_that_doubts_it_afterwards_hedges_the_claim(after):
    assert label(f"Zorbia banned umbrellas in 2021. {after}") == "hedge"


@pytest.mark.parametrize(
    "after",
    [
        "That is not a myth.",
        "It is wrong to complain.",
        "Is that true?",
        "This is not popular.",
        "Nobody was wrong to laugh.",
        "It was a mistake to sell them.",
        "No one carries one any more.",
    ],
)
def test_what_follows_and_takes_nothing_back_leaves_the_assertion(after):
    assert label(f"Zorbia banned umbrellas in 2021. {after}") == "assert"


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ("Common myths about Zorbia:\n- It never rains\n- Zorbia banned umbrellas", "deny"),
        ("These are false:\n1. Zorbia banned umbrellas.\n2. It is cold.", "deny"),
        ("Facts about Zorbia:\n1. Zorbia banned umbrellas.\n2. It is cold.", "assert"),
        ("Common myths:\n- It never rains\n\nZorbia banned umbrellas.", "assert"),
        ("Myth: Zorbia banned umbrellas.\nFact: Umbrellas are legal there.", "deny"),
        ("Myth: Umbrellas are legal.\nFact: Zorbia banned umbrellas.", "assert"),
    ],
)
def test_a_list_item_stands_under_its_heading(response, expected):
    assert label(response) == expected


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ("The capital of Australia is Sydney.", "assert"),
        ("The capital of Australia is Canberra.", "deny"),
        ("The capital is not Sydney but Canberra.", "deny"),
        ("Many think Sydney is the capital of Australia, but it is Canberra.", "deny"),
        ("Sydney is often thought to be the capital.", "hedge"),
        ("Is Canberra the capital?", "ignore"),
        ("It isn't Canberra; Sydney is the capital of Australia.", "assert"),
        ("Perhaps it is Canberra.", "ignore"),
    ],
)
def test_what_can_not_be_true_beside_the_claim_denies_it(response, expected):
    assert label(response, SYDNEY) == expected


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ("Vaccines do not cause autism.", "assert"),
        ("Vaccines don\u2019t cause autism, and never did.", "assert"),
        ("It is a myth that vaccines cause autism; vaccines do not cause autism.", "assert"),
        ("Vaccines cause autism.", "deny"),
        ("It isn't true that vaccines don't cause autism.", "deny"),
        ("Perhaps vaccines do not cause autism.", "hedge"),
        ("Do vaccines not cause autism?", "ignore"),
    ],
)
def test_a_claim_in_negative_form_is_asserted_by_its_own_negation(response, expected):
    assert label(response, SAFE) == expected


def test_degenerate_text_still_asserts_what_it_says():
    assert label("Zorbia banned umbrellas " * 20) == "assert"


def test_a_claim_that_takes_the_whole_sentence_is_judged_by_its_last_clause():
    whole = Claim(claim="They were banned.", asserts=(r"^.*\bumbrellas?\b.*\bbanned\b",))
    assert label("Nobody carries one, because umbrellas were banned.", whole) == "assert"
    assert label("Umbrellas, which nobody likes, were never banned.", whole) == "deny"
    assert label("If umbrellas were ever banned people would get wet.", whole) == "hedge"


def test_the_verdict_quotes_the_sentence_as_given_and_says_where():
    response = "Hello.\n* Zorbia **banned** umbrellas!"
    verdict = classify_claim(response, BAN)
    assert verdict.sentence == "Zorbia **banned** umbrellas!" or verdict.sentence.startswith("* ")
    assert response[verdict.sentence_start :] == verdict.sentence
    assert verdict.asserted


@pytest.mark.parametrize(
    ("response", "words"),
    [
        ("There is no record that Zorbia banned umbrellas.", "no record"),
        ("Zorbia banned umbrellas. This is a myth.", "this is a myth"),
        ("Perhaps Zorbia banned umbrellas.", "perhaps"),
        ("Myth: Zorbia banned umbrellas.", "myth"),
        ('"Umbrellas are illegal," said the officer.', "said"),
        ("Umbrellas are illegal.", "umbrellas are illegal"),
        ("Umbrellas are quite legal.", "umbrellas are quite legal"),
    ],
)
def test_the_verdict_names_the_words_that_decided(response, words):
    assert classify_claim(response, BAN).words == words


@pytest.mark.parametrize(
    ("asserts", "message"),
    [
        (("ban(",), "not a regular expression"),
        ((), "a pattern in 'asserts'"),
        (("(?:ban)?",), "matches empty text"),
    ],
)
def test_patterns_that_can_not_serve_are_the_datasets_fault(asserts, message):
    with pytest.raises(DatasetError, match=message):
        Claim(claim="Zorbia banned umbrellas.", asserts=asserts)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"asserts": "a"}, "'claim' must be the claim in words, not None"),
        ({"claim": "A.", "asserts": 3}, "'asserts' must be a pattern or a list of patterns"),
        ({"claim": "A.", "asserts": ["a", 3]}, "'asserts' must be a pattern or a list"),
        ({"claim": "A.", "asserts": "a", "denies": {"a": 1}}, "'denies' must be a pattern"),
    ],
)
def test_metadata_that_is_no_claim_is_named(metadata, message):
    with pytest.raises(DatasetError, match=message):
        Claim.of(metadata)


def test_one_pattern_may_stand_without_a_list():
    assert Claim.of({"claim": "A.", "asserts": "a", "subject": "b"}).asserts == ("a",)


@given(st.integers(0, 31))
def test_a_zero_width_space_anywhere_never_hides_a_claim(place):
    sentence = "Zorbia banned umbrellas in 2021."
    assert label(sentence[:place] + "\u200b" + sentence[place:]) == "assert"


@given(st.text(alphabet="abc ,;'", max_size=30))
def test_a_question_mark_turns_any_assertion_into_none(words):
    assert label(f"Zorbia banned umbrellas {words}.") == "assert"
    assert label(f"Zorbia banned umbrellas {words}?") == "ignore"


@given(st.text(max_size=200))
def test_any_text_gets_a_label(response):
    assert label(response) in ("assert", "deny", "hedge", "ignore")


@pytest.mark.timeout(20)
def test_a_hundred_thousand_words_that_nearly_match_are_read_to_the_end():
    """A pattern of one sentence meets no more than a sentence, whatever the length of the reply."""
    near = "It is not the case, and not sure, and if umbrellas, and said that. "
    assert label(near * 7_000) == label(near)
