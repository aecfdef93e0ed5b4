# The polynomials of erf in src/tensor_light/math.inc: least maximum relative error, by Lawson's reweighting. Needs numpy.
from math import erf, erfc, log, pi, sqrt

import numpy as np


def fit(f, low, high, degree, weight, nodes=4000):
    x = (low + high) / 2 + (high - low) / 2 * np.cos(pi * (np.arange(nodes) + 0.5) / nodes)
    y, w, powers = np.array([f(v) for v in x]), np.array([weight(v) for v in x]), np.vander(x, degree + 1, increasing=True)
    lawson = np.full(nodes, 1 / nodes)
    for _ in range(60):
        root = w * np.sqrt(lawson)
        coefficients = np.linalg.lstsq(powers * root[:, None], y * root, rcond=None)[0]
        errors = np.abs((powers @ coefficients - y) * w)
        lawson = lawson * errors / (lawson * errors).sum()
    return [float(np.float32(c)) for c in coefficients], errors.max()


print("erf(x) = x + x p(x^2), |x| <= 0.9:", *fit(lambda s: erf(sqrt(s)) / sqrt(s) - 1, 1e-12, 0.81, 6, lambda s: sqrt(s) / erf(sqrt(s))))
print("erf(x) = 1 - exp(p(x)), 0.9 <= x <= 4:", *fit(lambda t: log(erfc(t)), 0.9, 4.0, 6, lambda t: erfc(t) / erf(t)))
