"""Seconds that torch takes to load a safetensors file: mapped only (pages are read when first touched), or copied into memory of its own."""

import json
import sys
import time

import torch
from safetensors.torch import load_file

file, way = sys.argv[1:]
begun = time.perf_counter()
tensors = load_file(file)
if way == "load_file, cloned":
    tensors = {name: tensor.clone() for name, tensor in tensors.items()}
print(json.dumps({"seconds": time.perf_counter() - begun, "engine": f"torch {torch.__version__}"}))
