"""diffusers' UNet2DConditionModel in plain torch, written from its config and parameter names alone: the peer of bench/sd15.mjs.

  python unet_torch.py UNET_FOLDER --size 32 --batch 1 --threads 1     one JSON line: seconds a forward pass and a LoRA update (rank 4, AdamW), median of several; the output's sum and norm
"""
import argparse, json, math, statistics, time
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

TARGETS = ("to_q", "to_k", "to_v", "to_out.0")


class UNet:
    def __init__(self, folder, lora):
        self.c = json.load(open(f"{folder}/config.json"))
        self.p = {k: v.float() for k, v in load_file(f"{folder}/diffusion_pytorch_model.safetensors").items()}
        self.lora = {}
        if lora:
            for key, w in self.p.items():
                name = key.removesuffix(".weight")
                if key.endswith(".weight") and name.endswith(TARGETS):
                    a = torch.randn(4, w.shape[1], generator=torch.Generator().manual_seed(0)) / 4
                    self.lora[name] = (a.requires_grad_(), torch.zeros(w.shape[0], 4).requires_grad_())

    def linear(self, name, x):
        y = F.linear(x, self.p[name + ".weight"].flatten(1), self.p.get(name + ".bias"))
        return y + F.linear(F.linear(x, self.lora[name][0]), self.lora[name][1]) if name in self.lora else y

    def conv(self, name, x, stride=1):
        w = self.p[name + ".weight"]
        return F.conv2d(x, w, self.p[name + ".bias"], stride, padding=w.shape[2] // 2)

    def group(self, name, x, eps):
        return F.group_norm(x, self.c["norm_num_groups"], self.p[name + ".weight"], self.p[name + ".bias"], eps)

    def layer(self, name, x):
        return F.layer_norm(x, x.shape[-1:], self.p[name + ".weight"], self.p[name + ".bias"])

    def resnet(self, name, x, emb):
        h = self.conv(f"{name}.conv1", F.silu(self.group(f"{name}.norm1", x, 1e-5)))
        h = h + self.linear(f"{name}.time_emb_proj", emb)[:, :, None, None]
        h = self.conv(f"{name}.conv2", F.silu(self.group(f"{name}.norm2", h, 1e-5)))
        return h + (self.conv(f"{name}.conv_shortcut", x) if f"{name}.conv_shortcut.weight" in self.p else x)

    def attend(self, name, x, ctx, heads):
        split = lambda t: t.unflatten(-1, (heads, -1)).transpose(1, 2)
        q, k, v = (split(self.linear(f"{name}.to_{n}", s)) for n, s in (("q", x), ("k", ctx), ("v", ctx)))
        return self.linear(f"{name}.to_out.0", F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))

    def transformer(self, name, x, ctx):
        b, c, h, w = x.shape
        y = self.linear(f"{name}.proj_in", self.group(f"{name}.norm", x, 1e-6).flatten(2).transpose(1, 2))
        at, heads = f"{name}.transformer_blocks.0", self.c["attention_head_dim"]
        n = self.layer(f"{at}.norm1", y)
        y = y + self.attend(f"{at}.attn1", n, n, heads)
        y = y + self.attend(f"{at}.attn2", self.layer(f"{at}.norm2", y), ctx, heads)
        value, gate = self.linear(f"{at}.ff.net.0.proj", self.layer(f"{at}.norm3", y)).chunk(2, -1)
        y = y + self.linear(f"{at}.ff.net.2", value * F.gelu(gate))
        return x + self.linear(f"{name}.proj_out", y).transpose(1, 2).reshape(b, c, h, w)

    def __call__(self, x, t, ctx):
        c, has = self.c, lambda name: any(k.startswith(name + ".") for k in self.p)
        half = c["block_out_channels"][0] // 2
        angles = t[:, None] * torch.exp(-math.log(10000) * torch.arange(half) / half)
        wave = torch.cat([angles.cos(), angles.sin()], -1)
        emb = F.silu(self.linear("time_embedding.linear_2", F.silu(self.linear("time_embedding.linear_1", wave))))
        n, kept = len(c["block_out_channels"]), []
        x = self.conv("conv_in", x)
        kept.append(x)
        for i in range(n):
            for j in range(c["layers_per_block"]):
                x = self.resnet(f"down_blocks.{i}.resnets.{j}", x, emb)
                if has(f"down_blocks.{i}.attentions.{j}"):
                    x = self.transformer(f"down_blocks.{i}.attentions.{j}", x, ctx)
                kept.append(x)
            if i < n - 1:
                x = self.conv(f"down_blocks.{i}.downsamplers.0.conv", x, 2)
                kept.append(x)
        x = self.resnet("mid_block.resnets.0", x, emb)
        x = self.resnet("mid_block.resnets.1", self.transformer("mid_block.attentions.0", x, ctx), emb)
        for i in range(n):
            for j in range(c["layers_per_block"] + 1):
                x = self.resnet(f"up_blocks.{i}.resnets.{j}", torch.cat([x, kept.pop()], 1), emb)
                if has(f"up_blocks.{i}.attentions.{j}"):
                    x = self.transformer(f"up_blocks.{i}.attentions.{j}", x, ctx)
            if i < n - 1:
                x = self.conv(f"up_blocks.{i}.upsamplers.0.conv", F.interpolate(x, scale_factor=2.0))
        return self.conv("conv_out", F.silu(self.group("conv_norm_out", x, 1e-5)))


def timed(call, repeats):
    for _ in range(-(-repeats // 3)):
        call()
    times, cpu = [], []
    for _ in range(repeats):
        begun, used = time.perf_counter(), time.process_time()
        call()
        times.append(time.perf_counter() - begun), cpu.append(time.process_time() - used)
    return statistics.median(times), min(cpu)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    for name, value in (("--threads", 1), ("--batch", 1), ("--size", 16), ("--repeats", 5)):
        parser.add_argument(name, type=int, default=value)
    a = parser.parse_args()
    torch.set_num_threads(a.threads)
    torch.backends.nnpack.set_flags(False)  # which it would look for at every convolution, and say that it is not there
    model = UNet(a.folder, lora=True)
    wave = lambda *shape: torch.sin(torch.arange(math.prod(shape), dtype=torch.float64) * 0.37).float().reshape(shape)
    x = wave(a.batch, a.size, a.size, model.c["in_channels"]).permute(0, 3, 1, 2).contiguous()
    ctx = wave(a.batch, 77, model.c["cross_attention_dim"])
    t = torch.full((a.batch,), 400.0)
    optimiser = torch.optim.AdamW([v for pair in model.lora.values() for v in pair], lr=1e-6)

    def forward():
        with torch.no_grad():
            return model(x, t, ctx)

    def update():
        optimiser.zero_grad()
        model(x, t, ctx).square().mean().backward()
        optimiser.step()

    y = forward()
    sums = [y.double().sum().item(), y.double().square().sum().sqrt().item()]
    (forward_s, forward_cpu), (update_s, update_cpu) = timed(forward, a.repeats), timed(update, a.repeats)
    print(json.dumps({"engine": f"torch {torch.__version__}", "threads": a.threads, "forward": forward_s, "update": update_s, "forwardCpu": forward_cpu, "updateCpu": update_cpu, "sums": sums}))


if __name__ == "__main__":
    main()
