"""Writes a tiny text encoder with random weights in every way that torch checkpoints come in; openWeights' tests read them. Needs torch and safetensors. Run in this folder."""

import json
import os

import torch
from safetensors.torch import save_file

torch.manual_seed(0)
WIDTH, INNER, WORDS, POSITIONS = 8, 12, 16, 5
config = {
    "architectures": ["CLIPTextModel"], "vocab_size": WORDS, "hidden_size": WIDTH, "intermediate_size": INNER, "num_hidden_layers": 1, "num_attention_heads": 2,
    "max_position_embeddings": POSITIONS, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5, "eos_token_id": 2,
}  # fmt: skip
layer = "text_model.encoder.layers.0"
shapes = {
    "text_model.embeddings.token_embedding.weight": (WORDS, WIDTH),
    "text_model.embeddings.position_embedding.weight": (POSITIONS, WIDTH),
    f"{layer}.mlp.fc1.weight": (INNER, WIDTH),
    f"{layer}.mlp.fc1.bias": (INNER,),
    f"{layer}.mlp.fc2.weight": (WIDTH, INNER),
    f"{layer}.mlp.fc2.bias": (WIDTH,),
    **{f"{layer}.self_attn.{part}.{kind}": (WIDTH, WIDTH)[: 2 if kind == "weight" else 1] for part in ("q_proj", "k_proj", "v_proj", "out_proj") for kind in ("weight", "bias")},
    **{f"{norm}.{kind}": (WIDTH,) for norm in (f"{layer}.layer_norm1", f"{layer}.layer_norm2", "text_model.final_layer_norm") for kind in ("weight", "bias")},
}  # fmt: skip
# Rounded to BF16, so that every file holds the same numbers.
weights = {name: torch.randn(shape).bfloat16().float() for name, shape in shapes.items()}
json.dump(config, open("config.json", "w"))
save_file(weights, "model.safetensors")
turned = {name: w.t().contiguous().t() if w.ndim == 2 else w for name, w in weights.items()}  # column-major views
torch.save(turned, "pytorch_model.bin")

os.makedirs("sharded", exist_ok=True)
json.dump(config, open("sharded/config.json", "w"))
parts = ["pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin"]
where = {name: parts[i % 2] for i, name in enumerate(weights)}
for part in parts:
    torch.save({name: w for name, w in weights.items() if where[name] == part}, f"sharded/{part}")
json.dump({"metadata": {}, "weight_map": where}, open("sharded/pytorch_model.bin.index.json", "w"))

# A training run's checkpoint: half of it BF16, the rest in one shared storage, the prefix of DataParallel, position_ids, an optimiser and counters beside it.
flat = torch.cat([w.flatten() for w in weights.values()])
state, at = {}, 0
for i, (name, w) in enumerate(weights.items()):
    state[f"module.{name}"] = w.bfloat16() if i % 2 else flat[at : at + w.numel()].view(w.shape)
    at += w.numel()
state["module.text_model.embeddings.position_ids"] = torch.arange(POSITIONS)[None]
moments = {"state": {0: {"step": torch.tensor(3.0), "exp_avg": torch.zeros(3)}}, "param_groups": [{"lr": 1e-4, "params": [0]}]}
torch.save({"epoch": 3, "state_dict": state, "optimizer": moments}, "training.ckpt")
