"""How much memory is free where a pair lives."""

from collections.abc import Mapping

import psutil
import torch


def free_bytes(shares: Mapping[torch.device, float]) -> int:
    """Return how much can be kept before a device is full, in bytes.

    Args:
        shares: what each device takes of it, in any unit.
    """
    whole = sum(shares.values())
    return int(min(whole / share * _free_on(device) for device, share in shares.items()))


def _free_on(device: torch.device) -> int:
    """Return what is free on a GPU, or of the machine's own memory."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available)
