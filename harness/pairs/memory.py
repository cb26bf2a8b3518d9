"""How much memory is free where a pair lives."""

import psutil
import torch


def free_bytes(device: torch.device) -> int:
    """Return what is free on a GPU, or of the machine's own memory, in bytes."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available)
