"""Every error that the user can mend, in one tree; each message says what was given and what to do.

AmplifyError
├── ConfigurationError        an option, a name or a file says something impossible
│   ├── UnknownPair           no preset or pair file of that name
│   ├── UnknownArgument       a model argument that nobody takes
│   ├── InvalidAlpha          not a finite number
│   ├── InvalidConstraint     a constraint that is unknown or out of its range
│   └── DatasetError          a prompt file that is empty or malformed
├── PairError                 two models that can't be compared
│   ├── VocabularyMismatch    their logits can't be subtracted
│   └── AdapterMismatch       an adapter trained on another base
├── WeightsError              a model file that is missing, damaged or not the expected one
├── EndpointError             a server that can't be asked, or gives no log-probabilities
├── PromptTooLong             the prompt leaves no room in the context
├── UnsupportedRequest        tools, images, penalties: what the engine can't honour
├── SweepIncomplete          a task of a sweep ended with an error
├── InvalidReference          stored counts that are missing, damaged, or of something else
├── DecodingError            logits that are not numbers
└── AnalysisError             logs that hold nothing to analyse
"""


class AmplifyError(Exception):
    """The root of the tree; the command line prints its message without a traceback."""


class ConfigurationError(AmplifyError):
    """An option, a name or a file says something impossible."""


class UnknownPair(ConfigurationError):
    """No preset and no pair file has that name."""


class UnknownArgument(ConfigurationError):
    """A model argument that the provider does not take."""


class InvalidAlpha(ConfigurationError):
    """An alpha that is not a finite number."""


class InvalidConstraint(ConfigurationError):
    """A constraint that is unknown, out of its range, or given twice for one rollout."""


class DatasetError(ConfigurationError):
    """A prompt file that is empty, malformed or ambiguous."""


class PairError(AmplifyError):
    """Two models that can't be compared."""


class VocabularyMismatch(PairError):
    """The tokens behind two equal ids differ, so the logits can't be subtracted."""


class AdapterMismatch(PairError):
    """The adapter was trained on another base than the one it is put on."""


class WeightsError(AmplifyError):
    """A model file that is missing, damaged or not the expected one."""


class EndpointError(AmplifyError):
    """A server that can't be reached, refuses, or gives no log-probabilities."""


class PromptTooLong(AmplifyError):
    """The prompt leaves no room for a reply in the model's context."""


class UnsupportedRequest(AmplifyError):
    """The request asks for something that the engine can't honour, such as tools."""


class DecodingError(AmplifyError):
    """A model gave logits that no token can be drawn from."""


class SweepIncomplete(AmplifyError):
    """A task of a sweep ended with an error; what was sampled before it is in the logs."""


class AnalysisError(AmplifyError):
    """The logs hold nothing that can be analysed."""


class InvalidReference(AmplifyError):
    """Stored counts are missing, damaged, or of something else than what is compared with them."""
