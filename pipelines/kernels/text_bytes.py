# mypy: ignore-errors
"""Bytes of texts in kernels: one without Numba's check of negative places, many, and UTF-8."""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from pipelines.kernels.compiling import inner

_emitted: Any = intrinsic  # as Any: its own type would have callers pass `_typing`

COUNT = 32
"""Bytes that are compared at once; so many must follow the last one that is of interest."""

_TWO_BYTES, _THREE_BYTES, _FOUR_BYTES = 0x80, 0xE0, 0xF0  # least first bytes of so many
_BYTE, _BYTES, _BITS = ir.IntType(8), ir.VectorType(ir.IntType(8), COUNT), ir.IntType(COUNT)


@_emitted
def byte_at(_typing, data, _place):
    """Return a byte of a uint8 array as int64; the place must be within the array."""

    def emit(context, builder, signature, arguments):
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.gep(array.data, [arguments[1]])
        return builder.zext(builder.load(place), ir.IntType(64))

    return types.int64(data, types.intp), emit


@_emitted
def string_stops(_typing, data, _place):
    """Return the uint64 whose bit n is set where byte `place + n` ends or changes a JSON string.

    These are quotes, backslashes and what is below a blank.
    """

    def emit(context, builder, signature, arguments):
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.gep(array.data, [arguments[1]])
        text = builder.load(builder.bitcast(place, _BYTES.as_pointer()), align=1)

        def all_are(byte):
            return ir.Constant(_BYTES, [byte] * COUNT)

        quotes = builder.icmp_unsigned("==", text, all_are(ord('"')))
        escapes = builder.icmp_unsigned("==", text, all_are(ord("\\")))
        controls = builder.icmp_unsigned("<", text, all_are(ord(" ")))
        stops = builder.or_(builder.or_(quotes, escapes), controls)
        return builder.zext(builder.bitcast(stops, _BITS), ir.IntType(64))

    return types.uint64(data, types.intp), emit


@_emitted
def not_ascii(_typing, data, _place):
    """Return the uint64 whose bit n is set where byte `place + n` is not ASCII."""

    def emit(context, builder, signature, arguments):
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.gep(array.data, [arguments[1]])
        text = builder.load(builder.bitcast(place, _BYTES.as_pointer()), align=1)
        found = builder.icmp_signed("<", text, ir.Constant(_BYTES, None))
        return builder.zext(builder.bitcast(found, _BITS), ir.IntType(64))

    return types.uint64(data, types.intp), emit


@_emitted
def special_signs(_typing, data, _place):
    """Return the uint64 whose bit n is set where byte `place + n` is no plain character.

    Plain are ASCII's visible characters and the blank, but for `&` and `<`.
    """

    def emit(context, builder, signature, arguments):
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.gep(array.data, [arguments[1]])
        text = builder.load(builder.bitcast(place, _BYTES.as_pointer()), align=1)
        low = ir.Constant(_BYTES, [ord(" ")] * COUNT)
        width = ir.Constant(_BYTES, [0x7F - ord(" ")] * COUNT)
        found = builder.icmp_unsigned(">=", builder.sub(text, low), width)
        for sign in "&<":
            same = builder.icmp_unsigned("==", text, ir.Constant(_BYTES, [ord(sign)] * COUNT))
            found = builder.or_(found, same)
        return builder.zext(builder.bitcast(found, _BITS), ir.IntType(64))

    return types.uint64(data, types.intp), emit


@_emitted
def word_at(_typing, data, _place):
    """Return eight bytes of a uint8 array as one uint64; all must be within the array."""

    def emit(context, builder, signature, arguments):
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.gep(array.data, [arguments[1]])
        return builder.load(builder.bitcast(place, ir.IntType(64).as_pointer()), align=1)

    return types.uint64(data, types.intp), emit


@inner
def record_at(text, at, chars):
    """Return the code point at a place, how many bytes it has, and its record, all int64.

    Args:
        text: UTF-8, uint8.
        at: Where a code point begins.
        chars: Where the block of `code >> 8` begins, and the records of all blocks; the first
            block is ASCII's.
    """
    first = byte_at(text, at)
    if first < _TWO_BYTES:
        return first, 1, np.int64(chars[1][np.uint64(first)])
    if first < _THREE_BYTES:
        code, width = (first & 0x1F) << 6 | byte_at(text, at + 1) & 0x3F, 2
    elif first < _FOUR_BYTES:
        middle = (byte_at(text, at + 1) & 0x3F) << 6
        code, width = (first & 0x0F) << 12 | middle | byte_at(text, at + 2) & 0x3F, 3
    else:
        middle = (byte_at(text, at + 1) & 0x3F) << 12 | (byte_at(text, at + 2) & 0x3F) << 6
        code, width = (first & 0x07) << 18 | middle | byte_at(text, at + 3) & 0x3F, 4
    block = np.int64(chars[0][np.uint64(code >> 8)])
    return code, width, np.int64(chars[1][np.uint64(block | code & 0xFF)])
