"""libetalon from Python by ctypes: one step of a sampler on numpy arrays, and on torch tensors in place where torch is installed.

    python sampler.py "$(npx etalon-native --library)"
"""

import ctypes
import sys
from ctypes import POINTER, Structure, byref, c_char_p, c_double, c_int, c_int64, c_size_t, c_uint32, c_uint64, c_void_p

import numpy as np


class Sized(Structure):
    """A struct of etalon.h: its first field is its size, so that the library knows which fields it has."""

    def __init__(self, **fields):
        super().__init__(struct_size=ctypes.sizeof(type(self)), **fields)


class Step(Sized):
    _fields_ = [("struct_size", c_size_t), ("a", c_double), ("b", c_double), ("std", c_double), ("guidance", c_double)]


class NoiseKey(Sized):
    _fields_ = [("struct_size", c_size_t), ("seed", c_uint64), ("step", c_uint32), ("samples", c_void_p)]


class Policy(Sized):
    _fields_ = [("struct_size", c_size_t), ("x", c_void_p), ("cond", c_void_p), ("uncond", c_void_p), ("state_type", c_int), ("output_type", c_int)]


def address(array):
    """Where the elements of a contiguous float32 array lie: numpy's, or a torch tensor's on the CPU. Nothing is copied."""
    if isinstance(array, np.ndarray):
        assert array.dtype == np.float32 and array.flags.c_contiguous
        return array.ctypes.data
    assert str(array.dtype) == "torch.float32" and array.device.type == "cpu" and array.is_contiguous()
    return array.data_ptr()


class Etalon:
    """The library and a context: one a thread."""

    def __init__(self, path):
        self.library = library = ctypes.CDLL(path)
        library.etalon_last_error.argtypes, library.etalon_last_error.restype = [c_void_p], c_char_p
        library.etalon_target.argtypes, library.etalon_target.restype = [c_void_p], c_char_p
        library.etalon_context_destroy.argtypes = [c_void_p]
        library.etalon_rollout.argtypes = [c_void_p, POINTER(Step), c_int64, POINTER(NoiseKey), POINTER(Policy), c_int64, c_int64, c_void_p, c_void_p]
        library.etalon_rollout.restype = c_int
        self.context = c_void_p()
        self.check(library.etalon_context_create(byref(self.context)))

    def __del__(self):
        self.library.etalon_context_destroy(self.context)

    def check(self, status):
        if status != 0:
            raise RuntimeError(self.library.etalon_last_error(self.context).decode())

    @property
    def target(self):
        return self.library.etalon_target(self.context).decode()

    def rollout(self, x, cond, out, *, a, b, std, seed, step, samples):
        """out = a x + b cond + std z and its log-probability, a sample each; x, cond, out: [batch, ...], numpy or torch; out may be x."""
        batch, dim = x.shape[0], int(np.prod(x.shape[1:]))
        samples, logp = np.asarray(samples, np.uint32), np.empty(batch)
        key = NoiseKey(seed=seed, step=step, samples=samples.ctypes.data)
        policy = Policy(x=address(x), cond=address(cond), uncond=None)
        how = Step(a=a, b=b, std=std, guidance=1.0)
        self.check(self.library.etalon_rollout(self.context, how, 1, key, policy, batch, dim, address(out), logp.ctypes.data))
        return logp


def main():
    etalon = Etalon(sys.argv[1])
    step = dict(a=0.9, b=-0.2, std=0.3, seed=42, step=1, samples=[1, 9])
    x = np.linspace(-1, 1, 2 * 3 * 1000, dtype=np.float32).reshape(2, 3, 1000)
    cond = np.cos(x)
    out = np.empty_like(x)
    logp = etalon.rollout(x, cond, out, **step)
    noise = (out - 0.9 * x + 0.2 * cond) / 0.3
    expected = -0.5 * np.sum(noise.astype(float) ** 2, axis=(1, 2)) - 3000 * np.log(0.3 * np.sqrt(2 * np.pi))
    assert np.allclose(logp, expected, rtol=1e-6), (logp, expected)
    print(f"numpy on {etalon.target}: noise of mean {noise.mean():.3f} and deviation {noise.std():.3f}; log p {logp[0]:.3f} {logp[1]:.3f}")

    try:
        etalon.rollout(x, cond, out, **{**step, "std": -1.0})
    except RuntimeError as error:
        print(f"refused: {error}")

    try:
        import torch
    except ImportError:
        print("torch: skipped, not installed")
        return
    state, output = torch.from_numpy(x.copy()), torch.from_numpy(cond)
    again = etalon.rollout(state, output, state, **step)  # in place: torch sees the new values
    same = torch.equal(state, torch.from_numpy(out)) and np.array_equal(logp, again)
    print(f"torch {torch.__version__.split('+')[0]}, in place: {'the same bits' if same else 'OTHER BITS'}")


if __name__ == "__main__":
    main()
