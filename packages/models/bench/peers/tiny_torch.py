"""The tiny default in torch, written from its config and parameter names alone: the peer of bench/tiny.bench.mjs, and an independent reference.

  python tiny_torch.py MODEL_FOLDER --threads 1            one JSON line: seconds a forward pass and an update, median of several
  python tiny_torch.py FOLDER --golden                     writes a small random model and its outputs and gradients: test/golden/torch
  python tiny_torch.py MODEL_FOLDER --float64 FILE         a training step of the model in float64: test/golden/tinyFloat64.safetensors
"""
import argparse, json, math, resource, statistics, time
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file


class Tiny:
    angles = None  # of the time embedding, where they are given

    def __init__(self, folder):
        self.config = json.load(open(f"{folder}/config.json"))
        self.p = {k: v.float().requires_grad_() for k, v in load_file(f"{folder}/diffusion_pytorch_model.safetensors").items()}

    def linear(self, name, x):
        return F.linear(x, self.p[name + ".weight"], self.p[name + ".bias"])

    def heads(self, x):
        return x.unflatten(-1, (self.config["num_attention_heads"], -1)).transpose(1, 2)

    def attend(self, q, k, v):
        return F.scaled_dot_product_attention(self.heads(q), self.heads(k), self.heads(v)).transpose(1, 2).flatten(2)

    def __call__(self, x, t, ids):
        c = self.config
        patch, side = c["patch_size"], c["sample_size"] // c["patch_size"]
        norm = lambda h: F.layer_norm(h, h.shape[-1:], eps=1e-6)
        words = F.embedding(ids, self.p["word_embedder.weight"])
        present = (ids > 0).float()[..., None]
        pooled = (words * present).sum(1) / present.sum(1)
        half = c["time_dim"] // 2
        angles = t[:, None] * 1000 * torch.exp(-math.log(10000) * torch.arange(half) / half) if self.angles is None else self.angles
        wave = torch.cat([angles.cos(), angles.sin()], -1)
        embed = lambda n, h: self.linear(f"time_text_embed.{n}.linear_2", F.silu(self.linear(f"time_text_embed.{n}.linear_1", h)))
        cond = F.silu(embed("timestep_embedder", wave) + embed("text_embedder", pooled))
        modulation = lambda n, parts: self.linear(n + ".linear", cond)[:, None].chunk(parts, -1)
        b = x.shape[0]
        tokens = x.reshape(b, side, patch, side, patch * 3).transpose(2, 3).reshape(b, side * side, -1)
        image = self.linear("x_embedder", tokens) + self.p["pos_embed.weight"]
        text = self.linear("context_embedder", words) + self.p["context_pos_embed.weight"]
        for i in range(c["num_layers"]):
            at = f"transformer_blocks.{i}"
            mi, mt = modulation(f"{at}.norm1", 6), modulation(f"{at}.norm1_context", 6)
            hi, ht = norm(image) * (1 + mi[1]) + mi[0], norm(text) * (1 + mt[1]) + mt[0]
            q, k, v = (torch.cat([self.linear(f"{at}.attn.add_{n}_proj", ht), self.linear(f"{at}.attn.to_{n}", hi)], 1) for n in "qkv")
            out = self.attend(q, k, v)
            image = image + self.linear(f"{at}.attn.to_out.0", out[:, text.shape[1] :]) * mi[2]
            text = text + self.linear(f"{at}.attn.to_add_out", out[:, : text.shape[1]]) * mt[2]
            ff = lambda n, h: self.linear(f"{at}.{n}.net.2", F.silu(self.linear(f"{at}.{n}.net.0.proj", h)))
            image = image + ff("ff", norm(image) * (1 + mi[4]) + mi[3]) * mi[5]
            text = text + ff("ff_context", norm(text) * (1 + mt[4]) + mt[3]) * mt[5]
        h = torch.cat([text, image], 1)
        for i in range(c["num_single_layers"]):
            at = f"single_transformer_blocks.{i}"
            shift, scale, gate = modulation(f"{at}.norm", 3)
            n = norm(h) * (1 + scale) + shift
            out = self.attend(*(self.linear(f"{at}.attn.to_{x}", n) for x in "qkv"))
            h = h + self.linear(f"{at}.proj_out", torch.cat([out, F.silu(self.linear(f"{at}.proj_mlp", n))], -1)) * gate
        scale, shift = modulation("norm_out", 2)
        y = self.linear("proj_out", norm(h[:, text.shape[1] :]) * (1 + scale) + shift)
        return y.reshape(b, side, side, patch, patch * 3).transpose(2, 3).reshape(x.shape)


def inputs(config, batch):
    g = torch.Generator().manual_seed(0)
    x = torch.randn(batch, config["sample_size"], config["sample_size"], config["in_channels"], generator=g)
    ids = torch.randint(2, config["vocab_size"], (batch, config["max_words"]), generator=g)
    ids[:, 5:] = 0
    return x, torch.rand(batch, generator=g), ids


def small_model(folder):
    """A config unlike the default in every number, and random weights under its names, none of them zero."""
    config = {"_class_name": "TinyTransformer2DModel", "sample_size": 12, "in_channels": 3, "patch_size": 4, "num_layers": 2, "num_single_layers": 1,
              "num_attention_heads": 3, "attention_head_dim": 4, "mlp_ratio": 2, "word_dim": 5, "vocab_size": 11, "max_words": 7, "time_dim": 8}
    d, w, patch = 12, 5, 48
    g = torch.Generator().manual_seed(2)
    tensors = {}

    def add(name, outputs, inputs, bias=True):
        tensors[name + ".weight"] = torch.randn(outputs, inputs, generator=g) / math.sqrt(inputs)
        if bias:
            tensors[name + ".bias"] = 0.1 * torch.randn(outputs, generator=g)

    add("word_embedder", 11, w, False), add("context_pos_embed", 7, d, False), add("pos_embed", 9, d, False)
    add("context_embedder", d, w), add("x_embedder", d, patch), add("norm_out.linear", 2 * d, d), add("proj_out", patch, d)
    for name, inputs in (("timestep_embedder", 8), ("text_embedder", w)):
        add(f"time_text_embed.{name}.linear_1", d, inputs), add(f"time_text_embed.{name}.linear_2", d, d)
    for i in range(2):
        at = f"transformer_blocks.{i}"
        add(f"{at}.norm1.linear", 6 * d, d), add(f"{at}.norm1_context.linear", 6 * d, d)
        for n in ("to_q", "to_k", "to_v", "add_q_proj", "add_k_proj", "add_v_proj", "to_out.0", "to_add_out"):
            add(f"{at}.attn.{n}", d, d)
        for n in ("ff", "ff_context"):
            add(f"{at}.{n}.net.0.proj", 2 * d, d), add(f"{at}.{n}.net.2", d, 2 * d)
    at = "single_transformer_blocks.0"
    add(f"{at}.norm.linear", 3 * d, d), add(f"{at}.proj_mlp", 2 * d, d), add(f"{at}.proj_out", d, 3 * d)
    for n in ("to_q", "to_k", "to_v"):
        add(f"{at}.attn.{n}", d, d)
    json.dump(config, open(f"{folder}/config.json", "w"), indent=2)
    save_file(tensors, f"{folder}/diffusion_pytorch_model.safetensors")


def write_golden(folder):
    small_model(folder)
    model = Tiny(folder)
    x, t, ids = inputs(model.config, 3)
    weight = torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    out = model(x, t, ids)
    (out * weight).sum().backward()
    grads = {f"grad.{k}": v.grad.contiguous() for k, v in model.p.items()}
    save_file({"x": x, "t": t, "ids": ids.int(), "weight": weight, "out": out.detach(), **grads}, f"{folder}/cases.safetensors")


def every(values, most=32):
    """As many values as `most`, spread over the flattened array."""
    flat = values.detach().flatten()
    return flat[:: -(-flat.numel() // most)].float().contiguous()


def write_float64(folder, file):
    """A training step of the shipped model in float64: output, gradients, the norm that they are cut by, and AdamW's parameters, some values of each."""
    model = Tiny(folder)
    model.p = {k: v.detach().double().requires_grad_() for k, v in model.p.items()}
    c, batch = model.config, 2
    size = batch * c["sample_size"] ** 2 * c["in_channels"]
    wave = lambda step: ((torch.arange(size) * step % 2048).double() / 1024 - 1).reshape(batch, c["sample_size"], c["sample_size"], c["in_channels"])
    t = torch.tensor([0.75, 0.125])
    half = c["time_dim"] // 2
    rates = torch.tensor([1000 * 10000 ** (-i / half) for i in range(half)], dtype=torch.float32)
    model.angles = (t[:, None] * rates).double()  # float32's rounding of a thousand radians is an input, not an error
    ids = torch.zeros(batch, c["max_words"], dtype=torch.int64)
    ids[0, :2], ids[1, :3] = torch.tensor([5, 17]), torch.tensor([40, 9, 77])
    out = model(wave(7919), t.double(), ids)
    (out * wave(104729)).mean().backward()
    trained = {k: v for k, v in model.p.items() if k != "word_embedder.weight"}
    norm = torch.nn.utils.get_total_norm([v.grad for v in trained.values()])
    tensors = {"ids": ids.int(), "out": out.detach().float(), "norm": norm.float().reshape(1)}
    for k, v in trained.items():
        tensors[f"grad.{k}"], tensors[f"most.{k}"] = every(v.grad), v.grad.abs().max().float().reshape(1)
    torch.nn.utils.clip_grad_norm_(trained.values(), norm.item() / 2)
    torch.optim.AdamW(trained.values(), lr=1e-3, eps=1e-6, weight_decay=0.01).step()
    tensors.update({f"after.{k}": every(v) for k, v in trained.items()})
    save_file(tensors, file)


def timed(call, repeats):
    call(), call()
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        call()
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--golden", action="store_true")
    parser.add_argument("--float64", metavar="FILE")
    a = parser.parse_args()
    torch.set_num_threads(a.threads)
    if a.golden:
        return write_golden(a.folder)
    if a.float64:
        return write_float64(a.folder, a.float64)
    model = Tiny(a.folder)
    x, t, ids = inputs(model.config, a.batch)
    optimiser = torch.optim.AdamW([v for k, v in model.p.items() if k != "word_embedder.weight"], lr=1e-6)

    def forward():
        with torch.no_grad():
            model(x, t, ids)

    def update():
        optimiser.zero_grad()
        model(x, t, ids).square().mean().backward()
        optimiser.step()

    times = {"forward": timed(forward, a.repeats), "update": timed(update, a.repeats)}
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # MiB
    print(json.dumps({"engine": f"torch {torch.__version__}", "threads": a.threads, "batch": a.batch, **times, "memory": memory}))


if __name__ == "__main__":
    main()
