# mypy: disable-error-code="no-untyped-def, assignment"
"""Solvers of one row's ridge regression on gathered factors (numba, float32).

Every objective asks of a row the x that makes x'Ax - 2b'x least, where A = diag(base) + B'WB and
b = B'v: B holds the opposite rows of its cells, W their curvatures, v curvature times target. The
factors are turned so that the Gramian of all of them is diagonal: it then is part of `base`, and
costs d operations where it would cost d squared. Each solver returns the least value it reached.
"""

import numpy as np

from pipelines.kernels.compiling import compiled
from pipelines.kernels.prefetch import prefetch_to_read

_AHEAD = 6
_HARDLY, _ROUNDING = 1 / 30, 1e-5


@compiled(nogil=True, fastmath=True, error_model="numpy", forceinline=True)
def gather(opposite, columns, B):
    """Copy the opposite rows of some cells end to end."""
    for j in range(min(_AHEAD, columns.size)):
        prefetch_to_read(opposite, columns[j])
    for j in range(columns.size):
        if j + _AHEAD < columns.size:
            prefetch_to_read(opposite, columns[j + _AHEAD])
        row = opposite[columns[j]]
        for k in range(row.size):
            B[j, k] = row[k]


@compiled(nogil=True, fastmath=True, error_model="numpy", forceinline=True)
def _add_product(B, w, p, out):
    """Add B'WBp, four cells at a time so that `out` is read and written once for them."""
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
def _begin(B, w, v, base, x, r, diagonal):
    """Set r to b - Ax and `diagonal` to A's; return x'Ax - 2b'x."""
    n, d = B.shape
    value = 0.0
    for k in range(d):
        r[k] = -base[k] * x[k]
        diagonal[k] = base[k]
    j = 0
    while j + 4 <= n:  # at once, as one cell's sum is waited for before it is used
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
def conjugate_gradients(B, w, v, base, x, steps, scratch):
    """Improve x by some steps, preconditioned by A's diagonal (Hestenes and Stiefel 1952).

    `steps` are the least and the most: more are taken while the last one gained a thirtieth of what
    all did, and more than rounding. Few cells of great weight need a step each before the others.
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
        if curve <= 0:  # rounding is all that is left
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
        if step + 1 >= least and gain <= max(_HARDLY * gained, _ROUNDING * abs(value)):
            break
        share = rz / before
        for k in range(d):
            p[k] = z[k] + share * p[k]
    return value


@compiled(nogil=True, fastmath=True, error_model="numpy", forceinline=True)
def dual(B, w, v, base, x, scaled, system, q):
    """Solve exactly with as many unknowns as cells, those of x = D^-1 B'W^.5 q.

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
def add_normal_equations(B, w, v, scaled, part, A, b):
    """Add B'WB to A and B'v to b: sums over cells, so parts of a row may be added apart."""
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
def factor_and_solve(A, b):
    """Solve Ax = b in place by Cholesky's factors; return -b'x, the least value."""
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


@compiled(nogil=True, fastmath=True, error_model="numpy", forceinline=True)
def coordinate_descent(A, b, x, free, tolerance, most):
    """Find the least value where the first components are not negative; the last `free` may be.

    One component after the other moves to its best place (Franc et al. 2005), until a sweep moves
    none by more than the tolerance times the largest.
    """
    d = x.size
    for _ in range(most):
        moved, largest = np.float32(0), np.float32(0)
        for i in range(d):
            gradient = b[i]
            row = A[i]
            for k in range(d):
                gradient -= row[k] * x[k]
            new = x[i] + gradient / row[i]
            if i < d - free:
                new = max(new, np.float32(0))
            moved = max(moved, abs(new - x[i]))
            largest = max(largest, abs(new))
            x[i] = new
        if moved <= tolerance * largest:
            break
    value = 0.0
    for i in range(d):
        product = 0.0
        for k in range(d):
            product += np.float64(A[i, k]) * np.float64(x[k])
        value += x[i] * (product - 2.0 * b[i])
    return value
