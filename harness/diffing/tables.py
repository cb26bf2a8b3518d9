"""From a scan's sums and records to what its page shows.

Knows which parts a page has and when the sides are one model; samples nothing.
"""

from harness.diffing.found import Place, ScanTables
from harness.diffing.moves import position_moves, prompt_moves, source_moves, strips, whole_move
from harness.diffing.naming import (
    NamedTokens,
    Scanned,
    floor_nats,
    name_tokens,
    named_words,
    promoted,
)
from harness.diffing.topics import Topics, find_topics

# Equal weights that are read in two passes, or in rows of another batch, differ by rounding: some
# 1e-7 nats per token in float32. A change that amplification could show moves 1e-4 at least.
SAME_NATS = 1e-4

_PLACES: dict[Place, str] = {"start": "first", "anywhere": "whole"}


def scan_tables(scanned: Scanned) -> ScanTables:
    """Make the tables of a scan; where the sides are one model, nothing is named."""
    corpus, sums, records, words = scanned.corpus, scanned.sums, scanned.records, scanned.words
    prompts = prompt_moves(records, corpus, words)
    same = not prompts or prompts[0].kl_nats < SAME_NATS
    floors = {name: floor_nats(getattr(sums, key)) for name, key in _PLACES.items()}
    tokens = NamedTokens() if same else name_tokens(scanned)
    named = named_words(tokens.visible, tokens.start, tokens.anywhere)
    topics = Topics((), "nothing is amplified, so there is nothing to group")
    if named:
        gained = promoted(scanned)
        topics = find_topics(gained.by_prompt, gained.names, gained.shown)
    return ScanTables(
        n_prompts=len(corpus.prompts),
        n_tokens=len(records),
        kl_nats=whole_move(records),
        same=same,
        named=named,
        visible=tokens.visible,
        start=tokens.start,
        anywhere=tokens.anywhere,
        suppressed=tokens.suppressed,
        openers=tokens.openers,
        floors_nats=floors,
        topics=topics.topics,
        topics_rule=topics.rule,
        prompts=prompts,
        positions=position_moves(records, corpus),
        sources=source_moves(records),
        strips=() if same else strips(records, corpus),
        n_withheld=sum(one.withheld is not None for one in corpus.prompts),
    )
