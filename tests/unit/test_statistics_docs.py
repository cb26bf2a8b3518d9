"""What docs/statistics.md promises of sentences and bounds is what the code holds to."""

import re
from pathlib import Path

import pytest

from harness.analysis.breaks import COLLAPSED, FALLEN, NONSENSE_LEVEL, REACHED, RISEN, SLOWER
from harness.analysis.calibration import FALSE_ALARM_RATE, PRIOR_VARIANCE, ROUNDING_NATS
from harness.analysis.differences import FEW_CHANGES
from harness.analysis.fidelity import SPREAD_TOLERANCE
from harness.analysis.length_trends import MUCH_CUT
from harness.analysis.rates import FEW_PROMPTS, RARE_EVENTS, RULE_OF_THREE_FROM
from harness.analysis.resampling import RESAMPLES
from harness.analysis.strength import TOLERANCE
from harness.analysis.trends import FEWEST_PROMPTS, UNITS, WIDEST_INTERVAL

ROOT = Path(__file__).parents[2]
TABLE = (ROOT / "docs" / "statistics.md").read_text().split("## What a sentence may say")[1]
CODE = " ".join(path.read_text() for path in (ROOT / "harness" / "analysis").glob("*.py"))


@pytest.mark.parametrize("words", re.findall(r"^\| `([^`.]*)` \|", TABLE, re.MULTILINE))
def test_every_fixed_wording_is_what_the_code_writes(words):
    assert words in re.sub(r'"\s*\n\s*f?"', "", CODE)


def test_every_bound_is_the_one_that_the_code_holds_to():
    assert (FEW_PROMPTS, RARE_EVENTS, FEW_CHANGES, FEWEST_PROMPTS) == (10, 5, 10, 5)
    assert (RULE_OF_THREE_FROM, NONSENSE_LEVEL, MUCH_CUT) == (30, 0.20, 0.2)
    assert (UNITS, WIDEST_INTERVAL) == ({"alpha": 1.0, "dose": 0.1}, 1e6)
    assert (REACHED, SLOWER, FALLEN, COLLAPSED, RISEN) == (0.90, 0.25, 0.75, 0.50, 1.50)
    assert (RESAMPLES, FALSE_ALARM_RATE, PRIOR_VARIANCE) == (2000, 0.001, 100)
    assert (ROUNDING_NATS, TOLERANCE, SPREAD_TOLERANCE) == (1e-4, 1e-3, 0.01)
