"""Writes dtypes.safetensors: all 256 words of each 8-bit float beside torch's own conversion to float32, and the dtypes that models rarely have. Needs torch and safetensors. Run in this folder."""

import torch
from safetensors.torch import save_file

words = torch.arange(256, dtype=torch.uint8)
tensors = {}
for kind in ("float8_e5m2", "float8_e4m3fn", "float8_e8m0fnu", "float8_e4m3fnuz", "float8_e5m2fnuz"):
    values = words.clone().view(getattr(torch, kind))
    tensors[kind] = values
    tensors[f"{kind}.float32"] = values.float()
tensors["c64"] = torch.tensor([[1 + 2j, -3.5 - 0.25j]], dtype=torch.complex64)
tensors["f4"] = torch.tensor([[0x12, 0xF0]], dtype=torch.uint8).view(torch.float4_e2m1fn_x2)
for width in (16, 32, 64):
    kind = getattr(torch, f"uint{width}")
    tensors[f"u{width}"] = torch.tensor([0, 2**width - 1], dtype=kind)
save_file(tensors, "dtypes.safetensors")
torch.save({name: values for name, values in tensors.items() if values.dtype.itemsize == 1 and name != "f4"}, "torch/float8.pt")
