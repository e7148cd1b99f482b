# mypy: disable-error-code="no-any-return"
"""Solvers of one row's ridge regression on gathered factors (numba, float32).

Every objective gives a row x the value x'Ax - 2b'x to minimise, where A = diag(base) + B'WB and
b = B'v: B holds the opposite rows of its cells, W their curvatures, v curvature times target. In
the basis of its eigenvectors the Gramian of all opposite rows is diagonal and part of `base`: it
costs d operations instead of d squared. Each solver returns the value x'Ax - 2b'x at its solution.
"""

import numpy as np

from pipelines.als.kernels.arrays import Floats, Steps
from pipelines.kernels.compiling import compiled

_LEAST_GAIN = 1 / 30  # share of all steps' gain: a step that gains no more is the last
_ROUNDING = 1e-5  # share of the value: a step that gains no more is the last


@compiled(nogil=True, fastmath=True, error_model="numpy", forceinline=True)
def _add_product(B: Floats, w: Floats, p: Floats, out: Floats) -> None:
    """Add B'WBp to `out`, four cells at a time, so that `out` is read and written n / 4 times."""
    n, d = B.shape
    j = 0
    while j + 4 <= n:
        a, b, c, e = B[j], B[j + 1], B[j + 2], B[j + 3]
        s0 = s1 = s2 = s3 = np.float32(0)
        for k in range(d):
            s0 += a[k] * p[k]
            s1 += b[k] * p[k]
            s2 += c[k] * p[k]
            s3 += e[k] * p[k]
        s0 *= w[j]
        s1 *= w[j + 1]
        s2 *= w[j + 2]
        s3 *= w[j + 3]
        for k in range(d):
            out[k] += s0 * a[k] + s1 * b[k] + s2 * c[k] + s3 * e[k]
        j += 4
    while j < n:
        a = B[j]
        s0 = np.float32(0)
        for k in range(d):
            s0 += a[k] * p[k]
        s0 *= w[j]
        for k in range(d):
            out[k] += s0 * a[k]
        j += 1


@compiled(nogil=True, fastmath=True, error_model="numpy", forceinline=True)
def _begin(
    B: Floats, w: Floats, v: Floats, base: Floats, x: Floats, r: Floats, diagonal: Floats
) -> float:
    """Set r to b - Ax and `diagonal` to A's; return x'Ax - 2b'x."""
    n, d = B.shape
    value = 0.0
    for k in range(d):
        r[k] = -base[k] * x[k]
        diagonal[k] = base[k]
    j = 0
    while j + 4 <= n:  # four independent sums hide the latency of additions
        a, b, c, e = B[j], B[j + 1], B[j + 2], B[j + 3]
        w0, w1, w2, w3 = w[j], w[j + 1], w[j + 2], w[j + 3]
        s0 = s1 = s2 = s3 = np.float32(0)
        for k in range(d):
            s0 += a[k] * x[k]
            s1 += b[k] * x[k]
            s2 += c[k] * x[k]
            s3 += e[k] * x[k]
        value -= v[j] * s0 + v[j + 1] * s1 + v[j + 2] * s2 + v[j + 3] * s3
        s0, s1 = v[j] - w0 * s0, v[j + 1] - w1 * s1
        s2, s3 = v[j + 2] - w2 * s2, v[j + 3] - w3 * s3
        for k in range(d):
            r[k] += s0 * a[k] + s1 * b[k] + s2 * c[k] + s3 * e[k]
            diagonal[k] += w0 * a[k] * a[k] + w1 * b[k] * b[k] + w2 * c[k] * c[k] + w3 * e[k] * e[k]
        j += 4
    while j < n:
        a = B[j]
        s0 = np.float32(0)
        for k in range(d):
            s0 += a[k] * x[k]
        step, curve = v[j] - w[j] * s0, w[j]
        for k in range(d):
            r[k] += step * a[k]
            diagonal[k] += curve * a[k] * a[k]
        value -= v[j] * s0
        j += 1
    for k in range(d):
        value -= x[k] * r[k]
    return value


@compiled(nogil=True, fastmath=True, error_model="numpy", forceinline=True)
def conjugate_gradients(
    B: Floats, w: Floats, v: Floats, base: Floats, x: Floats, steps: Steps, scratch: Floats
) -> float:
    """Improve x by steps preconditioned with A's diagonal (Hestenes and Stiefel 1952).

    `steps` are (least, most). After `least` steps, the first one of gain <= max(_LEAST_GAIN x the
    gain of all steps, _ROUNDING x |value|) is the last. A few cells of large weight need about
    one step each.
    """
    least, most = steps
    d = x.size
    r, diagonal, z, p, Ap = scratch[0], scratch[1], scratch[2], scratch[3], scratch[4]
    value = _begin(B, w, v, base, x, r, diagonal)
    gained, rz = 0.0, np.float32(0)
    for k in range(d):
        z[k] = r[k] / diagonal[k]
        p[k] = z[k]
        rz += r[k] * z[k]
    for step in range(most):
        if rz <= np.float32(1e-20):
            break
        for k in range(d):
            Ap[k] = base[k] * p[k]
        _add_product(B, w, p, Ap)
        curve = np.float32(0)
        for k in range(d):
            curve += p[k] * Ap[k]
        if curve <= 0:  # only rounding is left
            break
        length = rz / curve
        gain = np.float64(length) * np.float64(rz)
        value -= gain
        gained += gain
        before = rz
        rz = np.float32(0)
        for k in range(d):
            x[k] += length * p[k]
            r[k] -= length * Ap[k]
            z[k] = r[k] / diagonal[k]
            rz += r[k] * z[k]
        if step + 1 >= least and gain <= max(_LEAST_GAIN * gained, _ROUNDING * abs(value)):
            break
        share = rz / before
        for k in range(d):
            p[k] = z[k] + share * p[k]
    return value


@compiled(nogil=True, fastmath=True, error_model="numpy", forceinline=True)
def dual(
    B: Floats,
    w: Floats,
    v: Floats,
    base: Floats,
    x: Floats,
    scaled: Floats,
    system: Floats,
    q: Floats,
) -> float:
    """Set x = D^-1 B'W^.5 q for the exact solution q, which has one unknown per cell.

    With D = diag(base), A = D + B'WB gives (I + W^.5 B D^-1 B' W^.5) q = W^-.5 v (push-through
    identity). `w` must be positive.
    """
    n, d = B.shape
    for j in range(n):
        root = np.sqrt(w[j])
        q[j] = v[j] / root
        for k in range(d):
            scaled[j, k] = B[j, k] * root / np.sqrt(base[k])
    np.dot(scaled, scaled.T, system)
    for j in range(n):
        system[j, j] += np.float32(1)
    factor_and_solve(system, q)
    for k in range(d):
        x[k] = np.float32(0)
    for j in range(n):
        for k in range(d):
            x[k] += q[j] * scaled[j, k]
    for k in range(d):
        x[k] /= np.sqrt(base[k])
    value = 0.0
    for j in range(n):
        s = np.float32(0)
        for k in range(d):
            s += B[j, k] * x[k]
        value -= v[j] * s
    return value


@compiled(nogil=True, fastmath=True, error_model="numpy", forceinline=True)
def add_normal_equations(
    B: Floats, w: Floats, v: Floats, scaled: Floats, part: Floats, A: Floats, b: Floats
) -> None:
    """Add B'WB to A and B'v to b: sums over cells, which may be added part by part."""
    n, d = B.shape
    for j in range(n):
        root = np.sqrt(w[j])
        for k in range(d):
            scaled[j, k] = B[j, k] * root
    np.dot(scaled.T, scaled, part)
    for i in range(d):
        for k in range(d):
            A[i, k] += part[i, k]
    for j in range(n):
        for k in range(d):
            b[k] += v[j] * B[j, k]


@compiled(nogil=True, fastmath=True, error_model="numpy", forceinline=True)
def factor_and_solve(A: Floats, b: Floats) -> float:
    """Solve Ax = b by A = LL' (Cholesky), with x in place of b; return -b'x = x'Ax - 2b'x."""
    L = np.linalg.cholesky(A)
    n = b.size
    value = 0.0
    for i in range(n):
        total = b[i]
        row = L[i]
        for k in range(i):
            total -= row[k] * b[k]
        b[i] = total / row[i]
        value -= np.float64(b[i]) * np.float64(b[i])
    for i in range(n - 1, -1, -1):
        row = L[i]
        b[i] /= row[i]
        for k in range(i):
            b[k] -= b[i] * row[k]
    return value
