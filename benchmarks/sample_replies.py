"""Sample the embedded model's replies to the coherent texts' prompts into data/sampled.jsonl.

Run by hand: python -m benchmarks.sample_replies. What comes out is read by a person before it is
committed: a reply that loops or falls apart is no sensible text.
"""

import json

from benchmarks.corruptions import DATA, read_texts
from harness.decoding.engine import Engine
from harness.decoding.rollout import RolloutRequest
from harness.decoding.settings import RolloutSettings
from harness.pairs.loading import load_pair
from harness.pairs.spec import resolve_pair

_BASELINE = -1.0


def main() -> None:
    """Write one reply a prompt, refusals' prompts left out."""
    pair = load_pair(resolve_pair("refuser"))
    prompts = [one.prompt for one in read_texts("coherent") if one.kind != "refusal"]
    requests = [
        RolloutRequest(
            prompt=pair.prompt([{"role": "user", "content": prompt}]),
            settings=RolloutSettings(alpha=_BASELINE, temperature=0.7, max_tokens=120, seed=i),
        )
        for i, prompt in enumerate(prompts)
    ]
    rollouts = Engine(pair.model, pair.chat.eos_ids).run(requests)
    with (DATA / "sampled.jsonl").open("w", encoding="utf-8") as file:
        for prompt, rollout in zip(prompts, rollouts, strict=True):
            row = {
                "kind": "sampled",
                "prompt": prompt,
                "text": pair.chat.text(rollout.ids).strip(),
                "stop_reason": rollout.stop_reason,
            }
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
