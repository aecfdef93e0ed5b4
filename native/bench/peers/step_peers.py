"""The sampler's step and the policy gradient in torch (eager and compiled) and numpy: contenders of step.bench.mjs. Same arithmetic, float32, own generators.

Reads requests on stdin, one JSON a line {"engine", "operation", "batch", "dim", "threads", "repeats"}; answers {"seconds": [...], "check": [...]} or {"error": text}.
"""
import json
import math
import sys
import time

import numpy
import torch

A, B, STD, CLIP, OLD = 0.93, -0.21, 0.4, 0.2, 0.01
HALF_LOG = math.log(STD) + 0.5 * math.log(2 * math.pi)


def torch_step(x, o):
    mean = A * x + B * o
    y = mean + STD * torch.randn_like(x)
    return y, (-0.5 * ((y - mean) / STD) ** 2 - HALF_LOG).sum(dim=1)


def objective(x, o, y, old, advantage):
    logp = (-0.5 * ((y - (A * x + B * o)) / STD) ** 2 - HALF_LOG).mean(dim=1)
    ratio = torch.exp(logp - old)
    return torch.maximum(-advantage * ratio, -advantage * torch.clamp(ratio, 1 - CLIP, 1 + CLIP)).sum()


def numpy_step(x, o, random=numpy.random.Generator(numpy.random.SFC64(1))):
    mean = A * x + B * o
    y = mean + numpy.float32(STD) * random.standard_normal(x.shape, dtype=numpy.float32)
    return y, (-0.5 * ((y - mean) / STD) ** 2 - HALF_LOG).sum(axis=1)


def arrays(shape):
    index = torch.arange(shape[0] * shape[1], dtype=torch.float64).reshape(shape)
    return torch.sin(index).float(), torch.cos(index).float(), torch.sin(index * 2).float()


compiled_step = torch.compile(torch_step, dynamic=False)
compiled_objective = torch.compile(objective, dynamic=False)


def work(engine, operation, shape):
    """-> a function to time, and one that tells its results in two numbers, for the check."""
    x, o, y = arrays(shape)
    if operation == "normal":
        if engine == "numpy":
            random = numpy.random.Generator(numpy.random.SFC64(1))
            return lambda: random.standard_normal(shape, dtype=numpy.float32), lambda z: [float(z.mean()), float((z.astype(float) ** 2).mean())]
        return lambda: torch.randn(shape), lambda z: [z.double().mean().item(), (z.double() ** 2).mean().item()]
    if operation == "step":
        told = lambda r: [float(numpy.asarray(r[0], dtype=float).mean()), float(numpy.asarray(r[1], dtype=float).mean() / shape[1])]
        if engine == "numpy":
            return lambda: numpy_step(x.numpy(), o.numpy()), told
        step = compiled_step if engine == "torch.compile" else torch_step
        return lambda: step(x, o), told
    with torch.no_grad():
        old = (-0.5 * ((y - (A * x + B * o)) / STD) ** 2 - HALF_LOG).mean(dim=1) - OLD
    advantage = torch.ones(shape[0])
    loss_of = compiled_objective if engine == "torch.compile" else objective
    leaf = o.clone().requires_grad_(True)

    def update():
        leaf.grad = None
        loss = loss_of(x, leaf, y, old, advantage)
        loss.backward()
        return loss, leaf.grad

    return update, lambda r: [r[0].item() / shape[0], float(r[1].double().abs().sum())]


def answer(request):
    torch.set_num_threads(request["threads"])
    run, told = work(request["engine"], request["operation"], (request["batch"], request["dim"]))
    seconds = []
    with torch.set_grad_enabled(request["operation"] == "policyGradient"):
        for _ in range(request["repeats"] + 2):
            start = time.perf_counter()
            result = run()
            seconds.append(time.perf_counter() - start)
    return {"seconds": seconds[2:], "check": told(result)}


print(json.dumps({"versions": f"torch {torch.__version__}, numpy {numpy.__version__}"}), flush=True)
for line in sys.stdin:
    try:
        print(json.dumps(answer(json.loads(line))), flush=True)
    except Exception as error:   # no compiler for torch.compile, say: told, not fatal
        print(json.dumps({"error": str(error).strip().split("\n")[0][:200]}), flush=True)
