"""Writes the torch checkpoints that readTorch's tests read, and what they hold, as safetensors. Needs torch and safetensors. Run in this folder."""

import collections

import torch
from safetensors.torch import save_file

torch.manual_seed(0)
base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
plain = {
    "f32": torch.randn(2, 3),
    "f64": torch.randn(3, dtype=torch.float64),
    "f16": torch.randn(5).half(),
    "bf16": torch.randn(5).bfloat16(),
    "i64": torch.tensor([-(2**40), 7]),
    "i32": torch.tensor([[-5, 6]], dtype=torch.int32),
    "i16": torch.tensor([-5, 6], dtype=torch.int16),
    "i8": torch.tensor([-5, 6], dtype=torch.int8),
    "u8": torch.tensor([250, 6], dtype=torch.uint8),
    "bool": torch.tensor([True, False, True]),
    "scalar": torch.tensor(3.5),
    "empty": torch.zeros(0, 4),
    "transposed": base.t(),
    "window": base[1:3, 2:5],
    "row": base[2],
    "strided": base[:, ::2],
    "expanded": base[0, :3].expand(4, 3),
    "parameter": torch.nn.Parameter(torch.randn(2, 2)),
}
torch.save(collections.OrderedDict(plain), "plain.pt")
torch.save({"epoch": 3, "note": "ü", "state_dict": {"a.weight": base, "b": {"c": base[0]}}}, "nested.pt")
torch.save(plain["f32"], "legacy.pt", _use_new_zipfile_serialization=False)


class Strange:
    """A class that no reader may make."""


torch.save({"x": Strange()}, "strange.pt")
save_file({k: v.detach().contiguous().clone() for k, v in plain.items()}, "plain.safetensors")
