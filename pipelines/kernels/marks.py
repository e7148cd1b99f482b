# mypy: ignore-errors
"""Finding bytes 64 at a time and copying short texts, for readers of text files."""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from pipelines.kernels.compiling import inner
from pipelines.kernels.scanning import lowest

_emitted: Any = intrinsic  # as Any: its own type would have callers pass `_typing`

PADDING = 64
"""Bytes that must follow the last one of every array given here."""

_ONE = np.uint64(1)
_BYTE, _SMALL = ir.IntType(8), ir.IntType(32)
_BYTES, _BITS, _STEP = ir.VectorType(_BYTE, 64), ir.IntType(64), ir.VectorType(_BYTE, 32)


@_emitted
def _marked(_typing, data, _first, _one, _two, _three, _four):
    """Return the uint64 whose bit n tells that data[first + n] is one of four bytes."""

    def emit(context, builder, signature, arguments):
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        start = builder.gep(array.data, [arguments[1]])
        found = builder.load(builder.bitcast(start, _BYTES.as_pointer()), align=1)
        nothing, first = ir.Constant(_BYTES, ir.Undefined), ir.Constant(_SMALL, 0)
        same = ir.Constant(ir.VectorType(_SMALL, 64), None)
        bits = None
        for byte in arguments[2:]:
            single = builder.insert_element(nothing, byte, first)
            equal = builder.icmp_unsigned(
                "==", found, builder.shuffle_vector(single, nothing, same)
            )
            bits = equal if bits is None else builder.or_(bits, equal)
        return builder.bitcast(bits, _BITS)

    return types.uint64(data, types.intp, *[types.uint8] * 4), emit


@_emitted
def _move(_typing, out, _to, data, _first):
    """Copy 32 bytes from data[first:] to out[to:]."""

    def emit(context, builder, signature, arguments):
        pointers = []
        for which in (0, 2):
            array = context.make_array(signature.args[which])(context, builder, arguments[which])
            start = builder.gep(array.data, [arguments[which + 1]])
            pointers.append(builder.bitcast(start, _STEP.as_pointer()))
        builder.store(builder.load(pointers[1], align=1), pointers[0], align=1)
        return context.get_dummy_value()

    return types.void(out, types.intp, data, types.intp), emit


@inner
def find_marks(data, first, size, one, two, three, four, marks):
    """Write the places of four bytes in data[first:size] to `marks`, then `size`; return how many.

    Grain: one call per chunk of a file. `marks` has room for `size - first + 1` places.
    """
    count = 0
    for block in range(first, size, 64):
        bits = _marked(data, block, one, two, three, four)
        if block + 64 > size:
            bits &= (_ONE << np.uint64(size - block)) - _ONE
        while bits:
            marks[count] = block + lowest(bits)
            count += 1
            bits &= bits - _ONE
    marks[count] = size
    return count


@inner
def copy_bytes(out, to, data, first, length):
    """Copy `length` bytes; up to 31 bytes behind them are overwritten too."""
    for step in range(0, length, 32):
        _move(out, to + step, data, first + step)


@inner
def find_byte(data, first, end, byte):
    """Return the first place of a byte in data[first:end], or `end`."""
    for block in range(first, end, 64):
        bits = _marked(data, block, byte, byte, byte, byte)
        if bits:
            return min(end, block + np.intp(lowest(bits)))
    return end
