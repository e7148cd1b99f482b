# mypy: ignore-errors
"""Looking at many numbers at once: which of 64 are above another, as the bits of one integer."""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

COUNT = 64
"""Numbers that `above` looks at."""

_FLOATS, _BITS = ir.VectorType(ir.FloatType(), COUNT), ir.IntType(COUNT)


@intrinsic
def above(_typing, row, _first, _least):
    """Return a uint64 whose bit n tells whether `row[first + n]` is above the least; NaN is not.

    The row is float32 and contiguous, with 64 numbers from `first`.
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


@intrinsic
def lowest(_typing, _bits):
    """Return the number of the lowest bit that is set, of a uint64 that is not 0."""

    def emit(_context, builder, _signature, arguments):
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), emit
