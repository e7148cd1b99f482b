# mypy: ignore-errors
"""Comparing 64 numbers to a bound at once; the result is the bits of one integer."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

_emitted: Any = intrinsic  # as Any: its own type would have callers pass `_typing`

COUNT = 64
"""Numbers that `above` compares."""

_FLOATS, _BITS = ir.VectorType(ir.FloatType(), COUNT), ir.IntType(COUNT)


@_emitted
def above(_typing, row, _first, _least):
    """Return the uint64 whose bit n is row[first + n] > least, for n from 0 to 63; NaN gives 0.

    The row is float32 and contiguous, and has 64 numbers from `first` on.
    """

    def emit(context, builder, signature, arguments):
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        start = builder.gep(array.data, [arguments[1]])
        numbers = builder.load(builder.bitcast(start, _FLOATS.as_pointer()), align=4)
        nothing, first = ir.Constant(_FLOATS, ir.Undefined), ir.Constant(ir.IntType(32), 0)
        single = builder.insert_element(nothing, arguments[2], first)
        same = ir.Constant(ir.VectorType(ir.IntType(32), COUNT), None)
        least = builder.shuffle_vector(single, nothing, same)
        return builder.bitcast(builder.fcmp_ordered(">", numbers, least), _BITS)

    return types.uint64(row, types.intp, types.float32), emit


@_emitted
def lowest(_typing, _bits):
    """Return the position of the lowest set bit of a uint64, which must not be 0."""

    def emit(_context, builder, _signature, arguments):
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), emit
