"""An iteration of DDPO or MixGRPO on the tiny default in torch eager: the peer of bench/iteration.bench.mjs, with the sizes of the presets of the same names.

  python iteration_torch.py MODEL_FOLDER --preset tiny-ddpo --threads 1 --epochs 4      one JSON line: median seconds of rollout, reward and update
"""
import argparse
import io
import json
import math
import statistics
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[3] / "models/bench/peers"))
from tiny_torch import Tiny  # noqa: E402

from PIL import Image  # noqa: E402

STEPS, ETA, START, BATCH, MICRO = 10, 1.2, 0.98, 32, 16


def step_map(t, s, eta):
    """mean = a x + b o, std: gDDIM on the flow alpha = 1 - t, sigma = t, for an x0-prediction."""
    r = (s / (1 - s)) / (t / (1 - t)) if s > 0 else 0.0
    rho = r ** (eta * eta) if eta > 0 else 1.0
    scale = s * rho / t
    return scale, (1 - s) - scale * (1 - t), s * math.sqrt(max(0.0, 1 - rho * rho))


def jpeg_kb(images):
    pixels = ((images + 1) * 127.5).round().clamp(0, 255).byte().numpy()
    sizes = []
    for picture in pixels:
        out = io.BytesIO()
        Image.fromarray(picture).save(out, "JPEG", quality=95)
        sizes.append(len(out.getvalue()) / 1000)
    return torch.tensor(sizes)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--preset", choices=["tiny-ddpo", "tiny-mixgrpo"], required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=4)
    a = parser.parse_args()
    torch.set_num_threads(a.threads)
    model = Tiny(a.folder)
    config = model.config
    size, words = config["sample_size"], config["max_words"]
    dim = size * size * 3
    parameters = list(model.p.values())
    optimiser = torch.optim.AdamW(parameters, lr=1e-4, betas=(0.9, 0.99), weight_decay=1e-4)
    generator = torch.Generator().manual_seed(0)
    times = [START * (1 - i / STEPS) for i in range(STEPS + 1)]
    mixed = a.preset == "tiny-mixgrpo"
    count = 64
    seconds = []
    for epoch in range(a.epochs + 1):
        clock = [time.perf_counter()]
        ids = torch.randint(2, config["vocab_size"], (8, words), generator=generator).repeat_interleave(8, 0)
        ids[:, 4:] = 0
        x = torch.randn(8, size, size, 3, generator=generator).repeat_interleave(8, 0) if mixed else torch.randn(count, size, size, 3, generator=generator)
        noisy = set(range(3)) if mixed else set(range(STEPS - 1))
        kept = noisy if mixed else set(torch.randperm(STEPS - 1, generator=generator)[:4].tolist())
        trajectory = []
        with torch.no_grad():
            for i in range(STEPS):
                t, s = times[i], times[i + 1]
                scale, on, std = step_map(t, s, ETA if i in noisy else 0)
                tt = torch.full((BATCH,), t)
                o = torch.cat([model(x[j : j + BATCH], tt, ids[j : j + BATCH]) for j in range(0, count, BATCH)])
                mean = scale * x + on * o
                if std == 0:
                    x = mean
                    continue
                z = torch.randn(x.shape, generator=generator)
                following = mean + std * z
                logp = (-0.5 * z.double().square().flatten(1).sum(1) - dim * (math.log(std) + 0.5 * math.log(2 * math.pi)))
                if i in kept:
                    trajectory.append((t, scale, on, std, x, following, logp))
                x = following
        clock.append(time.perf_counter())
        reward = jpeg_kb(x)  # the preset of MixGRPO scores by tiny-clip, a millisecond a batch
        advantage = ((reward - reward.mean()) / (reward.std() + 1e-8)).clamp(-5, 5).double()
        clock.append(time.perf_counter())
        optimiser.zero_grad()
        for t, scale, on, std, before, following, old in trajectory:
            for j in range(0, count, MICRO):
                part = slice(j, j + MICRO)
                o = model(before[part], torch.full((MICRO,), t), ids[part])
                residual = (following[part] - scale * before[part] - on * o).double() / std
                logp = -0.5 * residual.square().flatten(1).sum(1) - dim * (math.log(std) + 0.5 * math.log(2 * math.pi))
                ratio = torch.exp((logp - old[part]) / dim)
                loss = torch.maximum(-advantage[part] * ratio, -advantage[part] * ratio.clamp(1 - 1e-2, 1 + 1e-2))
                (loss.sum() / (count * len(trajectory))).backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        clock.append(time.perf_counter())
        seconds.append([later - earlier for earlier, later in zip(clock, clock[1:])])
    parts = [statistics.median(column) for column in zip(*seconds[1:])]
    print(json.dumps({"engine": f"torch {torch.__version__}", "threads": a.threads, **dict(zip(["rollout", "reward", "update"], parts))}))


if __name__ == "__main__":
    main()
