"""Writes reference values of U-Nets whose options the goldens of diffusers do not have: a second evaluation in torch, float64, from the structure that diffusers documents.

Usage: python unet_options.py FOLDER. Weights are drawn here and kept as float16, which is exact; gradients are autograd's of sum(out * cotangent).
"""
import json
import math
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

CONFIGS = {
    "unet_options_a": {
        "_class_name": "UNet2DConditionModel",
        "block_out_channels": [8, 16, 8],
        "down_block_types": ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
        "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"],
        "attention_head_dim": [2, 4, 1],
        "use_linear_projection": True,
        "upcast_attention": True,
        "layers_per_block": [1, 2, 1],
        "transformer_layers_per_block": [2, 1, 2],
        "only_cross_attention": [False, True, False],
        "resnet_time_scale_shift": "scale_shift",
        "flip_sin_to_cos": False,
        "freq_shift": 1,
        "norm_eps": 1e-4,
        "norm_num_groups": 2,
        "conv_in_kernel": 5,
        "conv_out_kernel": 1,
        "mid_block_scale_factor": 1.5,
        "center_input_sample": True,
        "num_class_embeds": 7,
        "time_embedding_dim": 24,
        "in_channels": 7,
        "out_channels": 4,
        "cross_attention_dim": 12,
        "downsample_padding": 0,
        "sample_size": [9, 6],
    },
    "unet_options_b": {
        "_class_name": "UNet2DConditionModel",
        "block_out_channels": [4, 12],
        "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D"],
        "up_block_types": ["CrossAttnUpBlock2D", "UpBlock2D"],
        "attention_head_dim": 3,
        "layers_per_block": 3,
        "only_cross_attention": True,
        "norm_num_groups": 2,
        "in_channels": 4,
        "out_channels": 4,
        "cross_attention_dim": 5,
        "sample_size": 7,
    },
}


class Weights(dict):
    """Parameters by name, drawn when they are first asked for."""

    def __init__(self, seed):
        super().__init__()
        self.generator = torch.Generator().manual_seed(seed)

    def __call__(self, name, *shape):
        if name not in self:
            fan = max(1, math.prod(shape[1:]))
            value = torch.randn(shape, generator=self.generator) / math.sqrt(fan) if len(shape) > 1 else 0.3 * torch.randn(shape, generator=self.generator)
            if "norm" in name and name.endswith("weight"):
                value += 1
            self[name] = value.half().double().requires_grad_()
        return self[name]


def unet(w, c, sample, timestep, context, labels=None):
    n = len(c["block_out_channels"])
    channels = c["block_out_channels"]
    each = lambda key, default: c[key] if isinstance(c.get(key), list) else [c.get(key, default)] * n
    heads, layers, depth, only = each("attention_head_dim", 8), each("layers_per_block", 2), each("transformer_layers_per_block", 1), each("only_cross_attention", False)
    groups, eps, wide = c["norm_num_groups"], c.get("norm_eps", 1e-5), c["cross_attention_dim"]
    time_width = c.get("time_embedding_dim") or 4 * channels[0]
    scale_shift = c.get("resnet_time_scale_shift", "default") == "scale_shift"

    def linear(name, x, outputs, bias=True):
        return F.linear(x, w(name + ".weight", outputs, x.shape[-1]), w(name + ".bias", outputs) if bias else None)

    def conv(name, x, outputs, kernel, **options):
        return F.conv2d(x, w(name + ".weight", outputs, x.shape[1], kernel, kernel), w(name + ".bias", outputs), **options)

    def group_norm(name, x, epsilon):
        return F.group_norm(x, groups, w(name + ".weight", x.shape[1]), w(name + ".bias", x.shape[1]), epsilon)

    def layer_norm(name, x):
        return F.layer_norm(x, x.shape[-1:], w(name + ".weight", x.shape[-1]), w(name + ".bias", x.shape[-1]))

    def resnet(name, x, outputs, emb, divisor=1.0):
        h = conv(name + ".conv1", F.silu(group_norm(name + ".norm1", x, eps)), outputs, 3, padding=1)
        t = linear(name + ".time_emb_proj", F.silu(emb), 2 * outputs if scale_shift else outputs)[:, :, None, None]
        if scale_shift:
            scale, shift = t.chunk(2, 1)
            h = group_norm(name + ".norm2", h, eps) * (1 + scale) + shift
        else:
            h = group_norm(name + ".norm2", h + t, eps)
        h = conv(name + ".conv2", F.silu(h), outputs, 3, padding=1)
        if x.shape[1] != outputs:
            x = conv(name + ".conv_shortcut", x, outputs, 1)
        return (x + h) / divisor

    def attention(name, x, other, count):
        width = x.shape[-1]
        q, k, v = (linear(f"{name}.to_{part}", source, width, bias=False) for part, source in (("q", x), ("k", other), ("v", other)))
        split = lambda y: y.unflatten(-1, (count, -1)).transpose(1, 2)
        mixed = F.scaled_dot_product_attention(split(q), split(k), split(v))
        return linear(name + ".to_out.0", mixed.transpose(1, 2).flatten(2), width)

    def transformer(name, x, level, cross_only):
        rows, columns = x.shape[2:]
        h = group_norm(name + ".norm", x, 1e-6)
        flat = lambda y: y.flatten(2).transpose(1, 2)
        square = lambda y: y.transpose(1, 2).unflatten(2, (rows, columns))
        width = x.shape[1]
        if c.get("use_linear_projection"):
            h = linear(name + ".proj_in", flat(h), width)
        else:
            h = flat(conv(name + ".proj_in", h, width, 1))
        for i in range(depth[level]):
            at = f"{name}.transformer_blocks.{i}"
            normed = layer_norm(at + ".norm1", h)
            h = h + attention(at + ".attn1", normed, context if cross_only else normed, heads[level])
            h = h + attention(at + ".attn2", layer_norm(at + ".norm2", h), context, heads[level])
            value, gate = linear(at + ".ff.net.0.proj", layer_norm(at + ".norm3", h), 8 * width).chunk(2, -1)
            h = h + linear(at + ".ff.net.2", value * F.gelu(gate), width)
        h = square(linear(name + ".proj_out", h, width)) if c.get("use_linear_projection") else conv(name + ".proj_out", square(h), width, 1)
        return h + x

    half = channels[0] // 2
    frequency = torch.exp(-math.log(10000) * torch.arange(half, dtype=torch.float64) / (half - c.get("freq_shift", 0)))
    angle = timestep.double()[:, None] * frequency
    parts = [angle.cos(), angle.sin()] if c.get("flip_sin_to_cos", True) else [angle.sin(), angle.cos()]
    emb = linear("time_embedding.linear_2", F.silu(linear("time_embedding.linear_1", torch.cat(parts, 1), time_width)), time_width)
    if c.get("num_class_embeds"):
        emb = emb + w("class_embedding.weight", c["num_class_embeds"], time_width)[labels]
    if c.get("center_input_sample"):
        sample = 2 * sample - 1
    kernel = c.get("conv_in_kernel", 3)
    x = conv("conv_in", sample, channels[0], kernel, padding=(kernel - 1) // 2)
    kept = [x]
    for i, kind in enumerate(c["down_block_types"]):
        for j in range(layers[i]):
            x = resnet(f"down_blocks.{i}.resnets.{j}", x, channels[i], emb)
            if kind == "CrossAttnDownBlock2D":
                x = transformer(f"down_blocks.{i}.attentions.{j}", x, i, only[i])
            kept.append(x)
        if i < n - 1:
            name = f"down_blocks.{i}.downsamplers.0.conv"
            x = conv(name, F.pad(x, (0, 1, 0, 1)), channels[i], 3, stride=2) if c.get("downsample_padding", 1) == 0 else conv(name, x, channels[i], 3, stride=2, padding=1)
            kept.append(x)
    divisor = c.get("mid_block_scale_factor", 1)
    x = resnet("mid_block.resnets.0", x, channels[-1], emb, divisor)
    x = transformer("mid_block.attentions.0", x, n - 1, False)
    x = resnet("mid_block.resnets.1", x, channels[-1], emb, divisor)
    for i, kind in enumerate(c["up_block_types"]):
        level = n - 1 - i
        for j in range(layers[level] + 1):
            x = resnet(f"up_blocks.{i}.resnets.{j}", torch.cat([x, kept.pop()], 1), channels[level], emb)
            if kind == "CrossAttnUpBlock2D":
                x = transformer(f"up_blocks.{i}.attentions.{j}", x, level, only[level])
        if i < n - 1:
            x = F.interpolate(x, size=kept[-1].shape[2:], mode="nearest")
            x = conv(f"up_blocks.{i}.upsamplers.0.conv", x, channels[level], 3, padding=1)
    kernel = c.get("conv_out_kernel", 3)
    return conv("conv_out", F.silu(group_norm("conv_norm_out", x, eps)), c["out_channels"], kernel, padding=(kernel - 1) // 2)


def main(folder):
    for seed, (name, config) in enumerate(CONFIGS.items()):
        out = Path(folder) / name
        out.mkdir(parents=True, exist_ok=True)
        draw = torch.Generator().manual_seed(100 + seed)
        size = config["sample_size"] if isinstance(config["sample_size"], list) else [config["sample_size"]] * 2
        random = lambda *shape: torch.randn(shape, generator=draw).double()
        inputs = {"sample": random(2, config["in_channels"], *size), "encoder_hidden_states": random(2, 3, config["cross_attention_dim"])}
        timestep, labels = torch.tensor([17, 801]), torch.tensor([6, 2])
        cotangent = random(2, config["out_channels"], *size)
        weights = Weights(seed)
        for value in inputs.values():
            value.requires_grad_()
        y = unet(weights, config, inputs["sample"], timestep, inputs["encoder_hidden_states"], labels)
        (y * cotangent).sum().backward()
        save = lambda file, tensors: save_file({key: value.detach().contiguous() for key, value in tensors.items()}, out / file)
        save("model.safetensors", {key: value.half() for key, value in weights.items()})
        save("grads.safetensors", {key: value.grad.float() for key, value in (weights | inputs).items()})
        cases = {key: value.float() for key, value in (inputs | {"out": y, "cotangent": cotangent}).items()}
        save("cases.safetensors", cases | {"timestep": timestep, "class_labels": labels})
        (out / "config.json").write_text(json.dumps(config, indent=2) + "\n")
        print(name, sum(value.numel() for value in weights.values()), "parameters, out up to", y.abs().max().item())


if __name__ == "__main__":
    main(sys.argv[1])
