"""The rollout step in torch eager, the contender of rollout.bench.mjs: same arithmetic, float32, torch's own generator.

Reads requests on stdin, one JSON a line {"batch", "dim", "threads", "repeats"}; answers {"seconds": [...], "check": ...} on stdout.
"""
import json
import math
import sys
import time

import torch

A, B, STD = 0.93, -0.21, 0.4


def step(x, o):
    mean = A * x + B * o
    z = torch.randn_like(x)
    y = mean + STD * z
    logp = (-0.5 * ((y - mean) / STD) ** 2 - math.log(STD) - 0.5 * math.log(2 * math.pi)).sum(dim=1)
    return y, logp


@torch.no_grad()
def main():
    print(json.dumps({"version": torch.__version__}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        torch.set_num_threads(request["threads"])
        shape = (request["batch"], request["dim"])
        index = torch.arange(shape[0] * shape[1], dtype=torch.float64).reshape(shape)
        x, o = torch.sin(index).float(), torch.cos(index).float()
        seconds = []
        for _ in range(request["repeats"] + 2):
            start = time.perf_counter()
            y, logp = step(x, o)
            seconds.append(time.perf_counter() - start)
        # What the two must agree on without sharing noise: the mean of y, and the log-probability per element, whose law is known.
        print(json.dumps({"seconds": seconds[2:], "mean": y.double().mean().item(), "logp": (logp.double() / shape[1]).mean().item()}), flush=True)


main()
