"""Who asked for what is being decoded: identical requests are decoded once and answer everybody.

Plain Python: no tensors, no threads.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from harness.constraint import canonical
from harness.decoding.rollout import Ended, Rollout, RolloutRequest
from harness.errors import DecodingError


@dataclass(eq=False)
class _Decoding:
    """One row, or one to be, and the requests that it answers."""

    request: RolloutRequest
    """The one that is decoded; it stays although whoever asked for it may have left."""
    askers: list[RolloutRequest]


class Askers:
    """All requests that have no answer yet, by what they ask for."""

    def __init__(self) -> None:
        self._decodings: dict[RolloutRequest, _Decoding] = {}

    def join(self, request: RolloutRequest) -> bool:
        """Take a request in, and say whether it has to be decoded itself."""
        decoding = self._decodings.setdefault(_identity(request), _Decoding(request, []))
        decoding.askers.append(request)
        return decoding.request is request

    def answer(self, decoded: RolloutRequest, outcome: Rollout | DecodingError) -> list[Ended]:
        """Give what a decoding came to to everybody who asked for it."""
        decoding = self._decodings.pop(_identity(decoded))
        return [(asker, outcome) for asker in decoding.askers]

    def leave(self, requests: Iterable[RolloutRequest]) -> list[RolloutRequest]:
        """Forget requests, and return the decodings that nobody asks for any more."""
        unwanted = []
        for request in requests:
            identity = _identity(request)
            decoding = self._decodings.get(identity)
            if decoding is None:
                continue
            decoding.askers = [one for one in decoding.askers if one is not request]
            if not decoding.askers:
                unwanted.append(self._decodings.pop(identity).request)
        return unwanted

    def clear(self) -> None:
        """Forget everybody."""
        self._decodings.clear()


def _identity(request: RolloutRequest) -> RolloutRequest:
    """Return the same for all requests that have the same rollout."""
    settings = request.settings
    return replace(
        request,
        settings=replace(
            settings,
            # The likeliest token asks for no random number.
            seed=settings.seed if settings.temperature else 0,
            constraints=canonical(settings.constraints),
        ),
    )
