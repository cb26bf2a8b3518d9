"""Looking at the data before all of it is there, without more false alarms.

Looking ten times at 5 % each would call a regression in one unchanged run of five. So the 5 % are
spent little by little: each look has a level of its own, and together they are 5 %.
"""

from math import sqrt

from scipy import stats

from harness.analysis.rates import SIGNIFICANCE
from harness.errors import ConfigurationError


def levels(looks: int, significance: float = SIGNIFICANCE) -> tuple[float, ...]:
    """Return the level of each of so many equally spaced looks.

    After a share t of the data, ``a(t) = 2 - 2 Phi(z(1 - a/2) / sqrt(t))`` has been spent: almost
    nothing early, when little is known, and most at the last look. Each look takes what the one
    before it left, and by the union bound the chance that any of them errs is at most their sum,
    whatever the looks have in common; that is a little stricter than boundaries computed from
    their correlation.

    Args:
        looks: at least 1; the last one is at the whole budget.
        significance: of all looks together.

    Raises:
        ConfigurationError: if there are no looks.

    Source: Lan and DeMets 1983, "Discrete sequential boundaries for clinical trials", the
    spending function in the manner of O'Brien and Fleming 1979.
    """
    if looks < 1:
        raise ConfigurationError(f"{looks} looks at the data: at least 1 is needed")
    z = float(stats.norm.ppf(1 - significance / 2))
    spent = [2 * float(stats.norm.sf(z / sqrt((look + 1) / looks))) for look in range(looks)]
    return tuple(now - before for now, before in zip(spent, [0.0, *spent], strict=False))
