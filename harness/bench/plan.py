"""What a bench does, checked when it is stated; imports nothing heavy."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.bench.figures import METHODS, SHORT_NAMES, Cell, Method
from harness.errors import ConfigurationError

QUICK_ROWS = (1, 6, 72)
"""Numbers of rows of a quick bench."""

ALL_ROWS = (1, 6, 18, 72)
"""Numbers of rows of a whole bench."""

_REPEATED: tuple[Method, ...] = ("engine", "engine_untraced")


@dataclass(frozen=True, kw_only=True)
class BenchPlan:
    """Which methods decode what, and how often."""

    dtypes: tuple[str, ...] = ("float32",)
    """Of weights and caches: float32, bfloat16 or both."""
    rows: tuple[int, ...] = ALL_ROWS
    """Numbers of rows that are decoded together."""
    n_tokens: int = 64
    """New tokens per row, at least 2."""
    rounds: int = 3
    """How often each method runs, with the others in between."""
    quick: bool = False
    """Leave the guidance processor out, and run the engine, with traces and without, once more
    than the slow methods."""
    device: str = "cpu"
    """Where all methods decode: ``cpu``, or a GPU such as ``cuda:0``."""
    threads: int | None = None
    """Of torch; None leaves their number as it is."""
    seed_sweep: bool = False
    """Whether a whole sweep, with end-of-sequence tokens, is timed as well."""
    merged: bool = False
    """Whether the reference loops have their adapter merged into the weights."""

    def __post_init__(self) -> None:
        for dtype in self.dtypes:
            if dtype not in SHORT_NAMES:
                raise ConfigurationError(
                    f"dtype '{dtype}'; the bench knows {', '.join(SHORT_NAMES)}"
                )
        if self.device.partition(":")[0] not in ("cpu", "cuda"):
            raise ConfigurationError(f"device '{self.device}'; the bench knows cpu and cuda")
        _at_least(1, "rows", self.rows)
        _at_least(1, "rounds", [self.rounds])
        _at_least(1, "threads", [] if self.threads is None else [self.threads])
        # The last token of a reply is read by nobody: with one there would be no step to time.
        _at_least(2, "tokens", [self.n_tokens])
        if not self.rows or len(set(self.rows)) < len(self.rows):
            raise ConfigurationError(f"rows {self.rows}; give at least one number, each once")

    @property
    def methods(self) -> tuple[Method, ...]:
        """Those that are timed, in the order of a round."""
        left_out = {"cfg"} if self.quick else set()
        if self.device == "cpu":
            left_out.add("engine_unrecorded")  # nothing is recorded there
        return tuple(one for one in METHODS if one not in left_out)

    def round(self, number: int) -> Iterator[Cell]:
        """Yield what a round times, method after method at each number of rows.

        The loop over single rows is timed on one row whatever ``rows`` says.
        """
        methods = self.methods if number < self.rounds else _REPEATED
        if "single" in methods:
            yield from (Cell("single", dtype, 1) for dtype in self.dtypes)
        for rows in self.rows:
            for method in methods:
                if method != "single":
                    yield from (Cell(method, dtype, rows) for dtype in self.dtypes)

    @property
    def all_rounds(self) -> int:
        """How many rounds there are, that of the engine alone included."""
        return self.rounds + int(self.quick)


def _at_least(least: int, name: str, values: Sequence[int]) -> None:
    for value in values:
        if value < least:
            raise ConfigurationError(f"{name} {value}; it must be {least} or above")
