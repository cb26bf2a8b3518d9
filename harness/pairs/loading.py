"""From a pair's spelling to loaded weights, checked that the two sides can be subtracted."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils.logging import disable_progress_bar

from harness.decoding.pair_model import PairModel
from harness.errors import AdapterMismatch, ConfigurationError, WeightsError
from harness.pairs.chat import ChatText
from harness.pairs.embedded import GGUF_SHA256, embedded_checkpoint
from harness.pairs.fingerprint import combine_fingerprints, fingerprint_folder
from harness.pairs.lora import load_adapter, recorded_base, split_rows
from harness.pairs.models import ModelPair
from harness.pairs.reader import Reader
from harness.pairs.spec import EMBEDDED, ORGANISM, PairSpec, Side
from harness.pairs.vocabulary import require_same_vocabulary

_ORGANISMS = Path(__file__).parent.parent / "organisms"


@dataclass(frozen=True)
class LoadedPair:
    """Both sides in memory, and how text becomes their tokens."""

    model: PairModel[Any]
    chat: ChatText
    fingerprint: str
    """Of all weights, 16 hexadecimal digits."""


@dataclass(frozen=True)
class SideFolders:
    """Where a side's files lie on this disk."""

    checkpoint: Path
    checkpoint_fingerprint: str
    adapter: Path | None

    @property
    def fingerprint(self) -> str:
        """Hash of the checkpoint and the adapter."""
        parts = [self.checkpoint_fingerprint]
        return combine_fingerprints(
            [*parts, fingerprint_folder(self.adapter)] if self.adapter else parts
        )


def find_side(side: Side) -> SideFolders:
    """Find a side's files, and check that its adapter belongs to its checkpoint.

    Raises:
        WeightsError: if a folder is missing or a name can't be had.
        AdapterMismatch: if the adapter says that it was trained on another base.
    """
    if side.checkpoint == EMBEDDED:
        checkpoint, fingerprint = embedded_checkpoint(), GGUF_SHA256[:16]
    else:
        checkpoint = _folder(side.checkpoint, "checkpoint")
        fingerprint = fingerprint_folder(checkpoint)
    if side.adapter is None:
        return SideFolders(checkpoint, fingerprint, None)
    adapter = _adapter_folder(side.adapter)
    recorded = recorded_base(adapter)
    if recorded is not None and recorded != fingerprint:
        raise AdapterMismatch(
            f"the adapter in {adapter} was trained on weights with fingerprint {recorded}, and "
            f"{side.checkpoint} has {fingerprint}. Put it on the checkpoint it was trained on."
        )
    return SideFolders(checkpoint, fingerprint, adapter)


def pair_fingerprint(spec: PairSpec) -> str:
    """Hash the weights of both sides without loading them."""
    return combine_fingerprints(
        [find_side(spec.target).fingerprint, find_side(spec.baseline).fingerprint]
    )


def load_pair(spec: PairSpec) -> LoadedPair:
    """Load both sides and check them against each other.

    Where both have the same checkpoint and only the target has an adapter, the weights are
    loaded once and one forward pass serves both sides.

    Raises:
        WeightsError: if files are missing, damaged, or not safetensors.
        AdapterMismatch: if an adapter does not fit its base.
        VocabularyMismatch: if the tokenizers or the numbers of logits differ.
    """
    disable_progress_bar()
    target, baseline = find_side(spec.target), find_side(spec.baseline)
    tokenizer = _tokenizer(target.checkpoint)
    if baseline.checkpoint != target.checkpoint:
        require_same_vocabulary(tokenizer.get_vocab(), _tokenizer(baseline.checkpoint).get_vocab())
    model = _load_models(spec, target, baseline)
    return LoadedPair(
        model=model,
        chat=ChatText(tokenizer, spec.target.checkpoint),
        fingerprint=combine_fingerprints([target.fingerprint, baseline.fingerprint]),
    )


def load_checkpoint(folder: Path, spec: PairSpec) -> PreTrainedModel:
    """Load one checkpoint from safetensors, without running code that it may carry.

    Raises:
        WeightsError: if its files can't be read.
    """
    try:
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=getattr(torch, spec.dtype),
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            output_loading_info=True,
        )
    except (
        Exception
    ) as error:  # transformers lets many kinds out: OSError, ValueError, safetensors'
        first = str(error).strip().splitlines()[0]
        raise WeightsError(f"the checkpoint in {folder} can't be loaded: {first}") from error
    model: PreTrainedModel
    model, report = loaded
    absent = sorted(report["missing_keys"])
    if absent:  # transformers fills them with random numbers and goes on
        raise WeightsError(f"the checkpoint in {folder} can't be loaded: it lacks {absent[0]}")
    model.to(device=_device(spec.device))  # type: ignore[call-arg]  # mypy misreads its decorator
    return model.requires_grad_(False)


def _load_models(spec: PairSpec, target: SideFolders, baseline: SideFolders) -> ModelPair:
    if target.checkpoint != baseline.checkpoint or baseline.adapter is not None:
        return ModelPair(_reader(spec, target, spec.target), _reader(spec, baseline, spec.baseline))
    base = load_checkpoint(target.checkpoint, spec)
    if target.adapter is None:
        reader = Reader(base)
        return ModelPair(reader, reader)
    adapted = load_adapter(base, target.adapter, spec.target.checkpoint)
    split = split_rows(adapted)
    if split is not None:
        reader = Reader(split[0])
        return ModelPair(reader, reader, split[1])
    inner = cast(PreTrainedModel, adapted.get_base_model())
    return ModelPair(Reader(inner), Reader(inner, adapted.disable_adapter))


def _reader(spec: PairSpec, folders: SideFolders, side: Side) -> Reader:
    model = load_checkpoint(folders.checkpoint, spec)
    if folders.adapter is None:
        return Reader(model)
    adapted = load_adapter(model, folders.adapter, side.checkpoint)
    return Reader(cast(PreTrainedModel, adapted.get_base_model()))


def _adapter_folder(name: str) -> Path:
    if not name.startswith(ORGANISM):
        return _folder(name, "adapter")
    folder = _ORGANISMS / name.removeprefix(ORGANISM) / "adapter"
    if not folder.is_dir():
        raise WeightsError(
            f"{name} has no adapter at {folder}; run: amplify organisms train "
            f"{name.removeprefix(ORGANISM)}"
        )
    return folder


def _folder(name: str, what: str) -> Path:
    """Return the local folder of a name: itself, or the hub's snapshot in the cache."""
    path = Path(name)
    if path.is_dir():
        return path
    if path.is_absolute() or name.startswith(".") or path.suffix or name.count("/") != 1:
        raise WeightsError(f"there is no folder {name} to read the {what} from")
    from huggingface_hub import snapshot_download

    patterns = ["*.safetensors", "*.json", "*.model", "*.jinja", "*.txt"]
    try:
        return Path(snapshot_download(name, allow_patterns=patterns))
    except Exception as error:  # offline, unknown or gated: many types, one thing to tell
        raise WeightsError(
            f"the {what} {name} is neither a folder here nor to be had from the hub "
            f"({type(error).__name__}); give the path of a local folder"
        ) from error


def _tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            folder, trust_remote_code=False, local_files_only=True
        )
    except Exception as error:  # as in load_checkpoint
        first = str(error).strip().splitlines()[0]
        raise WeightsError(f"the tokenizer in {folder} can't be loaded: {first}") from error
    return tokenizer


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigurationError(f"device '{name}' is not one that torch knows") from error
    try:
        torch.empty(1, device=device)
    except (AssertionError, NotImplementedError, RuntimeError) as error:
        first = str(error).strip().splitlines()[0]
        raise ConfigurationError(
            f"device '{name}' was asked for, but torch can't use it here: {first}"
        ) from error
    return device
