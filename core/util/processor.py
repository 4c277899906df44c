"""What this machine's processor can do."""

from __future__ import annotations


def has_native_bfloat16() -> bool:
    """Return whether the processor multiplies bfloat16 in hardware (AVX-512 BF16 or AMX).

    Elsewhere PyTorch emulates bfloat16, slower than float32.
    """
    import torch  # takes a second or more, which callers with few vectors do not spend

    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
