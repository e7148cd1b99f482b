# mypy: ignore-errors
"""Products of small float32 matrices: C = A B, emitted as vector code.

A tile of C stays in vector registers while the sum over k runs (Goto and van de Geijn 2008, without
their packing: both factors fit the first caches). At 64 by 100 by 16 this is twice as fast as
OpenBLAS, which packs first. Each element is c = fma(a[i, k], b[k, j], c) for k in ascending order,
whatever the width of vectors: all machines with fused multiply-adds get the same bits.
"""

from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from pipelines.kernels.compiling import compiled

LANES = 8  # float32 per vector of 256 bits; rows are padded to a multiple of it
WIDE = 16 if binding.get_host_cpu_features().get("avx512f") else LANES
"""Float32 per widest vector: 16 with AVX-512."""

TALL, SHORT = 8, 4  # rows per tile; 8 rows of 3 vectors need the 32 registers of AVX-512
PANEL = 3 * WIDE
"""Columns of the widest tile: 3 vectors."""


@compiled()
def padded(width):
    """Return the width rounded up to a multiple of LANES."""
    return (width + LANES - 1) // LANES * LANES


def _emitter(height, vectors, lanes):
    """Return a function that emits the product of one tile.

    c[i + r, j + n] = sum of a[i + r, k] b[k, j + n] over k from first to last - 1,
    for r < height and n < vectors * lanes.
    """
    vector = ir.VectorType(ir.FloatType(), lanes)

    def emit(context, builder, signature, arguments):
        kinds = zip(signature.args[:3], arguments[:3], strict=True)
        a, b, c = (_matrix(context, builder, kind, value) for kind, value in kinds)
        i, j, first, last = arguments[3:]
        zeros = ir.Constant(vector, None)
        sums = [cgutils.alloca_once_value(builder, zeros) for _ in range(height * vectors)]
        kind = ir.FunctionType(vector, [vector] * 3)
        fma = cgutils.get_or_insert_function(builder.module, kind, f"llvm.fmuladd.v{lanes}f32")
        one = context.get_constant(types.intp, 1)
        with cgutils.for_range_slice(builder, first, last, one) as (k, _):
            right = [_load(builder, b, k, j, v, vector) for v in range(vectors)]
            for r in range(height):
                left = _spread(builder, _load(builder, a, _plus(builder, i, r), k), vector)
                for v in range(vectors):
                    place = sums[r * vectors + v]
                    total = builder.call(fma, [left, right[v], builder.load(place)])
                    builder.store(total, place)
        for r in range(height):
            for v in range(vectors):
                pointer = _place(builder, c, _plus(builder, i, r), j, v, vector)
                builder.store(builder.load(sums[r * vectors + v]), pointer, align=4)
        return context.get_dummy_value()

    return emit


def _matrix(context, builder, kind, value):
    """Return a matrix's address and strides in bytes; the inner stride is the constant 4."""
    array = context.make_array(kind)(context, builder, value)
    strides = cgutils.unpack_tuple(builder, array.strides)
    if kind.layout in "CF":
        strides["FC".index(kind.layout)] = context.get_constant(types.intp, 4)
    return array.data, *strides


def _plus(builder, index, number):
    return builder.add(index, ir.Constant(index.type, number))


def _place(builder, matrix, row, column, number, kind):
    """Return the address of [row, column], `number` vectors of type `kind` further on."""
    data, by_row, by_column = matrix
    offset = builder.add(builder.mul(row, by_row), builder.mul(column, by_column))
    start = builder.bitcast(data, ir.IntType(8).as_pointer())
    further = number * 4 * getattr(kind, "count", 1)
    address = builder.gep(start, [_plus(builder, offset, further)])
    return builder.bitcast(address, kind.as_pointer())


def _load(builder, matrix, row, column, number=0, kind=None):
    place = _place(builder, matrix, row, column, number, kind or ir.FloatType())
    return builder.load(place, align=4)


def _spread(builder, value, vector):
    """Return the vector all of whose elements are one value."""
    nothing, first = ir.Constant(vector, ir.Undefined), ir.Constant(ir.IntType(32), 0)
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), vector.count), None)
    return builder.shuffle_vector(builder.insert_element(nothing, value, first), nothing, zeros)


def _tile(height, vectors, lanes=WIDE):
    """Return the intrinsic tile(a, b, c, i, j, first, last): see `_emitter`."""
    emit = _emitter(height, vectors, lanes)

    @intrinsic
    def tile(_typing, a, b, c, _i, _j, _first, _last):
        signature = types.void(a, b, c, *[types.intp] * 4)
        return signature, emit

    return tile


_tall3, _tall2, _tall1, _tall_narrow = (*(_tile(TALL, n) for n in (3, 2, 1)), _tile(TALL, 1, LANES))
_short3, _short2, _short1, _short_narrow = (
    *(_tile(SHORT, n) for n in (3, 2, 1)),
    _tile(SHORT, 1, LANES),
)
_one3, _one_narrow = _tile(1, 3), _tile(1, 1, LANES)


@compiled(nogil=True, error_model="numpy", forceinline=True)
def _multiply_row(left, right, to, i):
    """to[i] = left[i] @ right."""
    n, inner, j = to.shape[1], left.shape[1], 0
    while n - j >= 3 * WIDE:
        _one3(left, right, to, i, j, 0, inner)
        j += 3 * WIDE
    while n - j:
        _one_narrow(left, right, to, i, j, 0, inner)
        j += LANES


@compiled(nogil=True, error_model="numpy", forceinline=True)
def _multiply_short(left, right, to, i):
    """to[i : i + SHORT] = left[i : i + SHORT] @ right, columns in tiles of 3, 2, 1 vectors."""
    n, inner, j = to.shape[1], left.shape[1], 0
    while n - j >= 3 * WIDE and n - j != 4 * WIDE:
        _short3(left, right, to, i, j, 0, inner)
        j += 3 * WIDE
    while n - j >= 2 * WIDE:
        _short2(left, right, to, i, j, 0, inner)
        j += 2 * WIDE
    if n - j >= WIDE:
        _short1(left, right, to, i, j, 0, inner)
        j += WIDE
    if n - j:
        _short_narrow(left, right, to, i, j, 0, inner)


@compiled(nogil=True, error_model="numpy", forceinline=True)
def _multiply_tall(left, right, to, i):
    """to[i : i + TALL] = left[i : i + TALL] @ right, columns in tiles of 3, 2, 1 vectors."""
    n, inner, j = to.shape[1], left.shape[1], 0
    while n - j >= 3 * WIDE and n - j != 4 * WIDE:
        _tall3(left, right, to, i, j, 0, inner)
        j += 3 * WIDE
    while n - j >= 2 * WIDE:
        _tall2(left, right, to, i, j, 0, inner)
        j += 2 * WIDE
    if n - j >= WIDE:
        _tall1(left, right, to, i, j, 0, inner)
        j += WIDE
    if n - j:
        _tall_narrow(left, right, to, i, j, 0, inner)


@compiled(nogil=True, error_model="numpy")
def multiply(left, right, to):
    """Set `to` to left @ right, all float32; `right` and `to` have a multiple of LANES columns."""
    i = 0
    if WIDE > LANES:
        while to.shape[0] - i >= TALL:
            _multiply_tall(left, right, to, i)
            i += TALL
    while to.shape[0] - i >= SHORT:
        _multiply_short(left, right, to, i)
        i += SHORT
    for row in range(i, to.shape[0]):
        _multiply_row(left, right, to, row)
