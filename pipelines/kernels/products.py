# mypy: ignore-errors
"""Products of small matrices in compiled code, without the packing and calls of a BLAS.

A tile of the product is kept in vector registers while it is summed up (Goto and van de Geijn 2008,
without their copies: all of a chunk fits the first caches). For 64 by 100 by 16 that is twice the
speed of OpenBLAS, which copies both factors first. Each element is summed in the order of k,
whatever the width of the vectors: all machines with fused multiply-adds get the same bits.
"""

from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from pipelines.kernels.compiling import compiled

LANES = 8  # float32 of a vector; rows are padded to a multiple of it
WIDE = 16 if binding.get_host_cpu_features().get("avx512f") else LANES
"""Float32 of the widest vector."""

TALL, SHORT = 8, 4  # rows of a tile; tall ones want the 32 registers that wide vectors come with
PANEL = 3 * WIDE
"""Columns of the widest tile."""


@compiled()
def padded(width):
    """Return the width of a matrix's rows with which products are whole vectors."""
    return (width + LANES - 1) // LANES * LANES


def _emitter(height, vectors, lanes):
    """Return what emits one tile's sum: `height` rows by `vectors` vectors, over a range of k."""
    vector = ir.VectorType(ir.FloatType(), lanes)

    def emit(context, builder, signature, arguments):
        kinds = zip(signature.args[:3], arguments[:3], strict=True)
        a, b, c = (_matrix(context, builder, kind, value) for kind, value in kinds)
        i, j, first, last = arguments[3:]
        sums = [cgutils.alloca_once_value(builder, ir.Constant(vector, None)) for _ in range(
            height * vectors)]  # fmt: skip
        kind = ir.FunctionType(vector, [vector] * 3)
        fma = cgutils.get_or_insert_function(builder.module, kind, f"llvm.fmuladd.v{lanes}f32")
        with cgutils.for_range_slice(builder, first, last, context.get_constant(types.intp, 1)) as (
            k, _,
        ):  # fmt: skip
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
    """Return the address and strides of a matrix: constant where its layout tells them."""
    array = context.make_array(kind)(context, builder, value)
    strides = cgutils.unpack_tuple(builder, array.strides)
    if kind.layout in "CF":
        strides["FC".index(kind.layout)] = context.get_constant(types.intp, 4)
    return array.data, *strides


def _plus(builder, index, number):
    return builder.add(index, ir.Constant(index.type, number))


def _place(builder, matrix, row, column, number, kind):
    """Return the address of an element, so many vectors on."""
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
    """Return a vector of one value."""
    nothing, first = ir.Constant(vector, ir.Undefined), ir.Constant(ir.IntType(32), 0)
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), vector.count), None)
    return builder.shuffle_vector(builder.insert_element(nothing, value, first), nothing, zeros)


def _tile(height, vectors, lanes=WIDE):
    """Return what sets a tile: c[i.., j..] = a[i.., k] @ b[k, j..], over k from first to last."""
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
    """Set row i of `to` to that of left @ right."""
    n, inner, j = to.shape[1], left.shape[1], 0
    while n - j >= 3 * WIDE:
        _one3(left, right, to, i, j, 0, inner)
        j += 3 * WIDE
    while n - j:
        _one_narrow(left, right, to, i, j, 0, inner)
        j += LANES


@compiled(nogil=True, error_model="numpy", forceinline=True)
def _multiply_short(left, right, to, i):
    """Set `SHORT` rows of `to`, from row i, to those of left @ right."""
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
    """Set `TALL` rows of `to`, from row i, to those of left @ right."""
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
    """Set `to` to left @ right, all float32; widths of right and `to` are multiples of 8."""
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
