# mypy: ignore-errors
"""Products of small matrices in compiled code, without the packing and calls of a BLAS.

A tile of the product is kept in vector registers while it is summed up (Goto and van de Geijn 2008,
without their copies: all of a chunk fits the first caches). For 64 by 100 by 16 that is twice the
speed of OpenBLAS, which copies both factors first.
"""

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 8  # float32 of a vector; rows are padded to a multiple of it
_VECTOR = ir.VectorType(ir.FloatType(), LANES)


@njit(cache=True)
def padded(width):
    """Return the width of a matrix's rows with which products are whole vectors."""
    return (width + LANES - 1) // LANES * LANES


def _emitter(height, vectors):
    """Return what emits one tile's sum: `height` rows by `vectors` vectors, over a range of k."""

    def emit(context, builder, signature, arguments):
        arrays = [
            context.make_array(kind)(context, builder, value)
            for kind, value in zip(signature.args[:3], arguments[:3], strict=True)
        ]
        a, b, c = ((m.data, *cgutils.unpack_tuple(builder, m.strides)) for m in arrays)
        i, j, first, last = arguments[3:]
        sums = [cgutils.alloca_once_value(builder, ir.Constant(_VECTOR, None)) for _ in range(
            height * vectors)]  # fmt: skip
        kind = ir.FunctionType(_VECTOR, [_VECTOR] * 3)
        fma = cgutils.get_or_insert_function(builder.module, kind, f"llvm.fmuladd.v{LANES}f32")
        with cgutils.for_range_slice(builder, first, last, context.get_constant(types.intp, 1)) as (
            k, _,
        ):  # fmt: skip
            right = [_load(builder, b, k, j, v, _VECTOR) for v in range(vectors)]
            for r in range(height):
                left = _spread(builder, _load(builder, a, _plus(builder, i, r), k, 0))
                for v in range(vectors):
                    place = sums[r * vectors + v]
                    total = builder.call(fma, [left, right[v], builder.load(place)])
                    builder.store(total, place)
        for r in range(height):
            for v in range(vectors):
                pointer = _place(builder, c, _plus(builder, i, r), j, v, _VECTOR)
                builder.store(builder.load(sums[r * vectors + v]), pointer, align=4)
        return context.get_dummy_value()

    return emit


def _plus(builder, index, number):
    return builder.add(index, ir.Constant(index.type, number))


def _place(builder, matrix, row, column, vector, kind):
    """Return the address of an element, `vector` vectors on."""
    data, by_row, by_column = matrix
    offset = builder.add(builder.mul(row, by_row), builder.mul(column, by_column))
    start = builder.bitcast(data, ir.IntType(8).as_pointer())
    address = builder.gep(start, [_plus(builder, offset, vector * LANES * 4)])
    return builder.bitcast(address, kind.as_pointer())


def _load(builder, matrix, row, column, vector, kind=None):
    kind = kind or ir.FloatType()
    return builder.load(_place(builder, matrix, row, column, vector, kind), align=4)


def _spread(builder, value):
    """Return a vector of one value."""
    single = builder.insert_element(
        ir.Constant(_VECTOR, ir.Undefined), value, ir.Constant(ir.IntType(32), 0)
    )
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), None)
    return builder.shuffle_vector(single, ir.Constant(_VECTOR, ir.Undefined), zeros)


def _tile(height, vectors):
    """Return what sets a tile: c[i.., j..] = a[i.., k] @ b[k, j..], over k from first to last."""
    emit = _emitter(height, vectors)

    @intrinsic
    def tile(_typing, a, b, c, _i, _j, _first, _last):
        signature = types.void(a, b, c, *[types.intp] * 4)
        return signature, emit

    return tile


_high3, _high2, _high1 = (_tile(4, vectors) for vectors in (3, 2, 1))
_low3, _low1 = (_tile(1, vectors) for vectors in (3, 1))


@njit(cache=True, nogil=True, error_model="numpy")
def multiply_row(left, right, to, i, first, last):
    """Set row i of `to` to that of left[:, first:last] @ right[first:last]."""
    n, j = to.shape[1], 0
    while n - j >= 3 * LANES:
        _low3(left, right, to, i, j, first, last)
        j += 3 * LANES
    while n - j:
        _low1(left, right, to, i, j, first, last)
        j += LANES


@njit(cache=True, nogil=True, error_model="numpy")
def multiply_rows(left, right, to, i, first, last):
    """Set four rows of `to`, from row i, to those of left[:, first:last] @ right[first:last]."""
    n, j = to.shape[1], 0
    while n - j >= 3 * LANES and n - j != 4 * LANES:
        _high3(left, right, to, i, j, first, last)
        j += 3 * LANES
    while n - j >= 2 * LANES:
        _high2(left, right, to, i, j, first, last)
        j += 2 * LANES
    if n - j:
        _high1(left, right, to, i, j, first, last)


@njit(cache=True, nogil=True, error_model="numpy")
def multiply(left, right, to):
    """Set `to` to left @ right, all float32; widths of right and `to` are multiples of 8."""
    whole = to.shape[0] - to.shape[0] % 4
    for i in range(0, whole, 4):
        multiply_rows(left, right, to, i, 0, left.shape[1])
    for i in range(whole, to.shape[0]):
        multiply_row(left, right, to, i, 0, left.shape[1])


@njit(cache=True, nogil=True, error_model="numpy")
def multiply_band(left, right, to, before, after):
    """Set `to` to left @ right, where row i of left is zero but in i - before to i + after."""
    for i in range(0, to.shape[0], 4):
        first, last = max(0, i - before), min(left.shape[1], i + 4 + after)
        if i + 4 <= to.shape[0]:
            multiply_rows(left, right, to, i, first, last)
        else:
            for row in range(i, to.shape[0]):
                multiply_row(left, right, to, row, first, last)
