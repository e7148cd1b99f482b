# mypy: ignore-errors
"""Prefetching rows of a matrix that is larger than the processor's caches."""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from pipelines.kernels.compiling import compiled

_LINE = 16  # float32 per cache line of 64 bytes


def _emitter(is_write):
    """Return a function that emits LLVM's prefetch of element [i, k], for a read or a write."""

    def emit(context, builder, signature, arguments):
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        indices = [
            context.cast(builder, value, kind, types.intp)
            for value, kind in zip(arguments[1:], signature.args[1:], strict=True)
        ]
        place = cgutils.get_item_pointer(context, builder, signature.args[0], array, indices)
        address = builder.bitcast(place, ir.IntType(8).as_pointer())
        kinds = [ir.IntType(32)] * 3
        call = builder.module.declare_intrinsic(
            "llvm.prefetch", (address.type,), ir.FunctionType(ir.VoidType(), [address.type, *kinds])
        )
        locality, is_data = 2, 1  # into the second-level cache; data, not instructions
        flags = [ir.Constant(ir.IntType(32), n) for n in (is_write, locality, is_data)]
        builder.call(call, [address, *flags])
        return context.get_dummy_value()

    return emit


@intrinsic
def _for_read(_typing, rows, i, k):
    """Prefetch the cache line of rows[i, k], to be read."""
    return types.void(rows, i, k), _emitter(0)


@intrinsic
def _for_write(_typing, rows, i, k):
    """Prefetch the cache line of rows[i, k], to be written."""
    return types.void(rows, i, k), _emitter(1)


@compiled(nogil=True, error_model="numpy")
def prefetch_to_read(rows, i):
    """Prefetch all cache lines of rows[i], to be read."""
    for k in range(0, rows.shape[1], _LINE):
        _for_read(rows, i, k)


@compiled(nogil=True, error_model="numpy")
def prefetch_to_write(rows, i):
    """Prefetch all cache lines of rows[i], to be written: other cores give them up."""
    for k in range(0, rows.shape[1], _LINE):
        _for_write(rows, i, k)
