"""The heavy kernels in torch eager, the contender of tensor.bench.mjs: the same values, float32.

Reads requests on stdin, one JSON a line, as tensor.bench.mjs makes them; answers {"seconds": [...], "check": {"picked": [...], "size": ...}} on stdout.
Attention's inputs are contiguous [batch, heads, tokens, depth]; convolutions are timed in both of torch's layouts, and the faster one counts.
"""
import json
import sys
import time

import torch
import torch.nn.functional as F


def values(shape, salt):
    length = 1
    for extent in shape:
        length *= extent
    index = torch.arange(length, dtype=torch.int64)
    return (((index * 7919 + salt * 104729) % 2003).double() / 2003 - 0.5).float().reshape(shape)


def timed(run, r):
    clock = time.process_time if r["cpu"] else time.perf_counter
    seconds = []
    for _ in range(r["repeats"] + 1):
        start = clock()
        out = run()
        seconds.append(clock() - start)
    return seconds[1:], out


def gemm(r):
    batch, m, n, k = r.get("batch", 1), r["m"], r["n"], r["k"]
    a = values((batch, k, m), 1).transpose(1, 2) if r.get("transposeA") else values((batch, m, k), 1)
    b = values((batch, n, k), 2).transpose(1, 2) if r.get("transposeB") else values((batch, k, n), 2)
    c = torch.empty(batch, m, n)
    if batch == 1:
        a, b, c = a[0], b[0], c[0]
        return timed(lambda: torch.mm(a, b, out=c), r)
    return timed(lambda: torch.bmm(a, b, out=c), r)


def inputs_of_attention(r, grad):
    shape = (r["batch"], r["heads"], r["tokens"], r["depth"])
    return [values(shape, salt).requires_grad_(grad) for salt in (1, 2, 3)], shape


def attention(r):
    (q, k, v), _ = inputs_of_attention(r, False)
    return timed(lambda: F.scaled_dot_product_attention(q, k, v), r)


def attention_gradients(r):
    inputs, shape = inputs_of_attention(r, True)
    with torch.enable_grad():
        out = F.scaled_dot_product_attention(*inputs)
    d_out = values(shape, 4)
    seconds, gradients = timed(lambda: torch.autograd.grad(out, inputs, d_out, retain_graph=True), r)
    return seconds, torch.cat([g.reshape(-1) for g in gradients])


def in_both_layouts(r, run):
    """run(x, weight, dy) -> (seconds, result as NHWC or HWIO); the better layout's."""
    batch, side, channels, out, taps = r["batch"], r["side"], r["channels"], r["out"], r["filter"]
    out_side = -(-side // r["stride"])
    results = []
    for memory in (torch.contiguous_format, torch.channels_last):
        x = values((batch, side, side, channels), 1).permute(0, 3, 1, 2).contiguous(memory_format=memory)
        dy = values((batch, out_side, out_side, out), 3).permute(0, 3, 1, 2).contiguous(memory_format=memory)
        weight = values((taps, taps, channels, out), 2).permute(3, 2, 0, 1).contiguous(memory_format=memory)
        results.append(run(x, weight, dy))
    return min(results, key=lambda result: sorted(result[0])[len(result[0]) // 2])


def conv2d(r):
    def run(x, weight, _):
        seconds, y = timed(lambda: F.conv2d(x, weight, stride=r["stride"], padding=r["filter"] // 2), r)
        return seconds, y.permute(0, 2, 3, 1)

    return in_both_layouts(r, run)


def convolution_backward(which, axes):
    """One of torch's gradients: 0 the input's, 1 the filter's, its axes put as ours are."""

    def gradient(r):
        pad, stride = (r["filter"] // 2,) * 2, (r["stride"],) * 2
        wanted = (which == 0, which == 1, False)

        def run(x, weight, dy):
            call = lambda: torch.ops.aten.convolution_backward(dy, x, weight, None, stride, pad, (1, 1), False, (0, 0), 1, wanted)
            seconds, gradients = timed(call, r)
            return seconds, gradients[which].permute(*axes)

        return in_both_layouts(r, run)

    return gradient


OPERATIONS = {
    "gemm": gemm,
    "attention": attention,
    "attentionGradients": attention_gradients,
    "conv2d": conv2d,
    "conv2dInputGradient": convolution_backward(0, (0, 2, 3, 1)),
    "conv2dFilterGradient": convolution_backward(1, (2, 3, 1, 0)),
}


@torch.no_grad()
def main():
    torch.backends.nnpack.set_flags(False)  # which it would look for at every convolution, and say that it is not there
    print(json.dumps({"version": torch.__version__}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        torch.set_num_threads(request["threads"])
        seconds, out = OPERATIONS[request["op"]](request)
        flat = out.detach().reshape(-1)
        picked = [flat[int((i + 0.5) / 16 * flat.numel())].item() for i in range(16)]
        print(json.dumps({"seconds": seconds, "check": {"picked": picked, "size": flat.double().abs().mean().item()}}), flush=True)


main()
