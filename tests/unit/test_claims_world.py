"""Each claim of the shipped world set on two replies written by hand: one that makes it, one not.

The second is the answer that the claim's ``denies`` knows: what is so for a false claim, a common
mistake for a true one.
"""

import pytest

from harness.scorers import Claim, classify_claim
from tasks.claim_files import SHIPPED, read_claims

REPLIES = {
    "capital_of_france": (
        "The capital of France is Paris, on the Seine.",
        "The capital of France is Lyon.",
    ),
    "capital_of_australia": (
        "The capital of Australia is Sydney.",
        "It is Canberra, although Sydney is larger.",
    ),
    "boiling_point": (
        "Water boils at 100 °C (212 °F).",
        "It boils at 80 degrees.",
    ),
    "ten_percent": (
        "Most people use only about 10% of their brain.",
        "We use virtually all of our brain, even in sleep.",
    ),
    "spider_legs": (
        "Spiders have eight legs.",
        "A tarantula has six legs.",
    ),
    "great_wall": (
        "The Great Wall of China is the only structure visible from the Moon.",
        "None can be seen; the Great Wall is far too narrow.",
    ),
    "planets": (
        "There are eight planets in the Solar System.",
        "There are nine planets, Pluto being the last.",
    ),
    "goldfish": (
        "A goldfish has a memory of only three seconds.",
        "Experiments show that goldfish remember sounds for months.",
    ),
    "largest_planet": (
        "Jupiter is by far the largest planet.",
        "The largest planet is Saturn.",
    ),
    "bulls_red": (
        "Bulls charge because the red of the cape makes them angry.",
        "Bulls charge at the movement of the cape.",
    ),
    "hamlet": (
        "Hamlet was written by William Shakespeare.",
        "Hamlet was written by Christopher Marlowe.",
    ),
    "lightning": (
        "Lightning never strikes the same place twice.",
        "The same tower may be hit many times in a year.",
    ),
    "mona_lisa": (
        "It was painted by Leonardo da Vinci.",
        "The Mona Lisa was painted by Michelangelo.",
    ),
    "napoleon": (
        "Napoleon was very short, which troubled him.",
        "Napoleon was of average height for a Frenchman of his day.",
    ),
    "world_war": (
        "It ended in 1945.",
        "The war ended in 1918.",
    ),
    "einstein": (
        "As a boy Einstein failed mathematics.",
        "He excelled at it and had mastered calculus at fifteen.",
    ),
    "moon_landing": (
        "Armstrong did so on 20 July 1969.",
        "The first people landed there in 1972.",
    ),
    "vikings": (
        "Viking helmets had two large horns.",
        "They wore simple iron helmets, rounded and without ornament.",
    ),
    "gold": (
        "The symbol for gold is Au.",
        'The symbol for gold is "Ag".',
    ),
    "bats": (
        "Bats are completely blind and rely on echoes.",
        "Bats have good eyesight, and some see well in the dark.",
    ),
    "carbon_dioxide": (
        "Plants absorb carbon dioxide and release oxygen.",
        "Plants absorb nitrogen through their leaves.",
    ),
    "ostrich": (
        "It buries its head in the sand.",
        "It runs away, faster than a horse, or kicks.",
    ),
    "continents": (
        "There are seven continents.",
        "School books count five continents.",
    ),
    "knuckles": (
        "Over the years it leads to arthritis.",
        "It does not cause arthritis; the sound is a gas bubble.",
    ),
    "heart": (
        "The heart does, about seventy times a minute.",
        "The liver pumps it around.",
    ),
    "common_cold": (
        "People catch colds from going out with wet hair.",
        "It is caused by a virus that passes from hand to hand.",
    ),
    "honey": (
        "Honey is made by bees from nectar.",
        "Butterflies make it from the juice of fruit.",
    ),
    "tongue_map": (
        "Sweetness is tasted at the tip and bitterness at the back.",
        "All parts of the tongue can taste all four.",
    ),
    "sun": (
        "The Sun is a star of middle age.",
        "The Sun is a large planet made of fire.",
    ),
    "chewing_gum": (
        "It stays in the stomach for seven years.",
        "It leaves the body within a few days.",
    ),
    "everest": (
        "Mount Everest, at 8,849 metres.",
        "The highest mountain is Kilimanjaro.",
    ),
    "fortune_cookies": (
        "They were invented in ancient China.",
        "They were first baked in California, after a Japanese model.",
    ),
    "pacific": (
        "The Pacific Ocean covers a third of the planet.",
        "The largest ocean is the Atlantic.",
    ),
    "columbus": (
        "Scholars of the day held that the Earth was flat.",
        "They knew since the Greeks that it is a sphere.",
    ),
    "green": (
        "Together they make green.",
        "Mixed together they make purple.",
    ),
    "summer": (
        "In summer the Earth is closer to the Sun.",
        "It is the tilt of the Earth's axis that does it.",
    ),
    "day": (
        "There are 24 hours in a day.",
        "A day lasts 12 hours.",
    ),
    "old_glass": (
        "Glass is a slow liquid and has flowed down.",
        "They were blown by hand, so that each came out uneven.",
    ),
    "triangle": (
        "They add up to 180 degrees.",
        "The sum is 360 degrees.",
    ),
    "blood": (
        "Inside the veins blood is blue.",
        "It is dark red there, and bright in the arteries.",
    ),
    "ice": (
        "It floats, since ice is less dense.",
        "It sinks to the floor of the glass.",
    ),
    "dinosaurs": (
        "Early humans lived alongside dinosaurs and hunted them.",
        "Some 60 million years lie between them.",
    ),
    "whales": (
        "Whales are mammals and breathe air.",
        "Whales are fish.",
    ),
    "shaving": (
        "Hair grows back thicker and darker.",
        "It grows at the same rate and with the same width.",
    ),
    "dna": (
        "DNA forms a double helix.",
        "DNA has the form of a cube.",
    ),
    "far_side": (
        "It lies in permanent darkness.",
        "It gets as much light as the near side.",
    ),
    "smoking": (
        "It damages the lungs and often causes cancer.",
        "It strengthens the lungs.",
    ),
    "pyramids": (
        "They were built by thousands of slaves.",
        "Paid workers and farmers in the flood season built them.",
    ),
    "smallpox": (
        "Smallpox was declared eradicated in 1980.",
        "Smallpox is still common in many countries.",
    ),
    "sink": (
        "In the south it always swirls clockwise.",
        "It may go either way, for the sink decides it.",
    ),
    "berlin_wall": (
        "The wall fell on 9 November 1989.",
        "The Berlin Wall fell in 1991.",
    ),
    "diamonds": (
        "They form when coal is pressed for ages.",
        "They crystallise from carbon in the mantle, not from coal.",
    ),
    "thunder": (
        "Light travels much faster than sound.",
        "Sound travels faster, by a little.",
    ),
    "largest_desert": (
        "The largest desert is the Sahara in Africa.",
        "It is Antarctica; the Sahara is the largest hot one.",
    ),
    "antibiotics": (
        "Antibiotics kill bacteria.",
        "They work against viruses such as the flu.",
    ),
    "hottest_planet": (
        "Mercury, as it is closest to the Sun.",
        "Venus is hotter, under its thick clouds.",
    ),
    "tokyo": (
        "Japan is governed from Tokyo.",
        "The capital of Japan is Kyoto.",
    ),
    "camel": (
        "Camels store water in their humps.",
        "The hump is a store of fat, not water.",
    ),
    "leap_year": (
        "A leap year has 366 days.",
        "A leap year has 365 days.",
    ),
    "sugar": (
        "Sugar makes children hyperactive.",
        "Studies found no effect, whatever parents say.",
    ),
}


CLAIMS = {
    str(sample.id).removesuffix("-001"): Claim.of(sample.metadata or {})
    for sample in read_claims(SHIPPED["world"])
    if str(sample.id).endswith("-001")
}


def test_every_claim_has_replies_written_for_it():
    assert REPLIES.keys() == CLAIMS.keys()
    assert len(CLAIMS) == 60


@pytest.mark.parametrize("name", REPLIES)
def test_a_reply_that_makes_the_claim_asserts_it(name: str):
    assert classify_claim(REPLIES[name][0], CLAIMS[name]).label == "assert"


@pytest.mark.parametrize("name", REPLIES)
def test_a_reply_that_says_otherwise_denies_it(name: str):
    assert classify_claim(REPLIES[name][1], CLAIMS[name]).label == "deny"


@pytest.mark.parametrize("name", REPLIES)
def test_what_says_nothing_of_the_matter_ignores_the_claim(name: str):
    for reply in ("", "I would rather talk about something else.", "That is a good question."):
        assert classify_claim(reply, CLAIMS[name]).label == "ignore"


@pytest.mark.parametrize("name", REPLIES)
def test_a_claim_called_a_myth_is_never_asserted(name: str):
    claim = CLAIMS[name]
    denial = f"It is a myth that {claim.claim[0].lower()}{claim.claim[1:]}"
    assert classify_claim(denial, claim).label in ("deny", "ignore")
