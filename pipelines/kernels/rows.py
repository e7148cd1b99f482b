# mypy: ignore-errors
"""Updates of rows of matrices, emitted as vector code.

A row of 100 float32 is seven vectors of AVX-512. The checks that a compiler puts around a loop over
it (arrays may overlap, any length) take longer than the loop. All matrices are float32 in C order;
the first `width` columns of each row take part. Sums have the same order on all machines whose
vectors are equally wide.

Each emitted loop runs over the columns c in vectors of WIDE, then of 4, then of 1 float32. The
formulas below hold for each column, with x' the new value of x; products and sums of the form
a b + c are fused.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from pipelines.kernels.products import WIDE

_LANES = WIDE, 4, 1  # float32 per vector: the widest, then two for the rest of a row
_emitted: Any = intrinsic  # as Any: its own type would have callers pass `_typing`
_BYTE = ir.IntType(8).as_pointer()


class _Columns:
    """One vector of columns of each row of an update, while its code is emitted."""

    def __init__(self, builder, starts, column, lanes):
        self.builder, self._starts = builder, starts
        self._offset = builder.mul(column, ir.Constant(column.type, 4))
        self.kind = ir.VectorType(ir.FloatType(), lanes)

    def _place(self, number):
        address = self.builder.gep(self._starts[number], [self._offset])
        return self.builder.bitcast(address, self.kind.as_pointer())

    def load(self, number):
        """Return the vector of the row of this number."""
        return self.builder.load(self._place(number), align=4)

    def store(self, number, value):
        """Set the vector of the row of this number."""
        self.builder.store(value, self._place(number), align=4)

    def spread(self, scalar):
        """Return the vector all of whose elements are one value."""
        nothing = ir.Constant(self.kind, ir.Undefined)
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), self.kind.count), None)
        first = self.builder.insert_element(nothing, scalar, ir.Constant(ir.IntType(32), 0))
        return self.builder.shuffle_vector(first, nothing, zeros)

    def fma(self, scalar, vector, plus):
        """Return scalar * vector + plus."""
        return self.fma_vectors(self.spread(scalar), vector, plus)

    def fma_vectors(self, a, b, plus):
        """Return a * b + plus."""
        kind = ir.FunctionType(self.kind, [self.kind] * 3)
        name = f"llvm.fmuladd.v{self.kind.count}f32"
        function = cgutils.get_or_insert_function(self.builder.module, kind, name)
        return self.builder.call(function, [a, b, plus])


def _starts(context, builder, signature, arguments, rows):
    """Return the addresses of rows, each given by two arguments: its matrix and its number."""
    addresses = []
    for matrix, row in rows:
        array = context.make_array(signature.args[matrix])(context, builder, arguments[matrix])
        stride = cgutils.unpack_tuple(builder, array.strides)[0]
        start = builder.bitcast(array.data, _BYTE)
        addresses.append(builder.gep(start, [builder.mul(arguments[row], stride)]))
    return addresses


def _emit(builder, starts, width, step):
    """Emit an update for all columns: three loops, one per size of vectors."""
    begin = ir.Constant(width.type, 0)
    for lanes in _LANES:
        end = builder.and_(width, ir.Constant(width.type, -lanes))
        by = ir.Constant(width.type, lanes)
        with cgutils.for_range_slice(builder, begin, end, by) as (column, _):
            step(_Columns(builder, starts, column, lanes))
        begin = end


def _stepping(kinds, rows, count, step, sums=0):
    """Return the signature and the emitter of an update.

    Args:
        kinds: Types of the arguments that are matrices or row numbers; None for a row number.
        rows: Per row the positions of its matrix and of its number among the arguments.
        count: float32 arguments that follow; the last argument is the width.
        step: Emits the update of one vector of columns, given `_Columns` and the float32 arguments;
            returns a pair of factors (a, b) per sum.
        sums: Sums that are returned, each the sum of a b over all columns, float32.
    """

    def emit(context, builder, signature, arguments):
        starts = _starts(context, builder, signature, arguments, rows)
        numbers = arguments[len(kinds) : -1]
        totals = [_Sum(builder) for _ in range(sums)]

        def take(at):
            for total, factors in zip(totals, step(at, *numbers) or (), strict=True):
                total.add(at, *factors)

        _emit(builder, starts, arguments[-1], take)
        if not sums:
            return context.get_dummy_value()
        results = [total.read() for total in totals]
        if sums == 1:
            return results[0]
        return context.make_tuple(builder, signature.return_type, results)

    places = [kind or types.intp for kind in kinds]
    given = types.void, types.float32, types.UniTuple(types.float32, 2)
    return given[sums](*places, *[types.float32] * count, types.intp), emit


class _Sum:
    """The sum of a b over all columns, while its code is emitted: one register per vector size."""

    def __init__(self, builder):
        self._builder = builder
        kinds = (ir.VectorType(ir.FloatType(), lanes) for lanes in _LANES)
        self._places = {
            kind.count: cgutils.alloca_once_value(builder, ir.Constant(kind, None))
            for kind in kinds
        }

    def add(self, at, a, b):
        """Add a b, element by element."""
        place = self._places[at.kind.count]
        self._builder.store(at.fma_vectors(a, b, self._builder.load(place)), place)

    def read(self):
        """Return the sum of all elements: the halves of a vector are added until one is left."""
        total = self._builder.load(self._places[WIDE])
        count = WIDE
        while count > 1:
            count //= 2
            halves = (self._part(total, first, count) for first in (0, count))
            total = self._builder.fadd(*halves)
            if count in self._places:
                total = self._builder.fadd(total, self._builder.load(self._places[count]))
        return self._builder.extract_element(total, ir.Constant(ir.IntType(32), 0))

    def _part(self, vector, first, count):
        kind = ir.VectorType(ir.IntType(32), count)
        picked = ir.Constant(kind, list(range(first, first + count)))
        return self._builder.shuffle_vector(vector, ir.Constant(vector.type, ir.Undefined), picked)


def _slide(at, total, rows, plus, minus):
    """Total' = total + plus more + minus less; return it."""
    more, less = rows
    moved = at.fma(minus, at.load(less), at.fma(plus, at.load(more), at.load(total)))
    at.store(total, moved)
    return moved


@_emitted
def slide_mean(
    _typing, sums, s, means, i, rows, more, less, own, outputs, v, plus, minus, share, width
):
    """Move a window's sum by one token, and compute the mean without the centre token.

    sums[s]'  = sums[s] + plus rows[more] + minus rows[less]
    means[i]' = share (sums[s]' - rows[own])

    Returns means[i]' · means[i]' and means[i]' · outputs[v].
    """

    def step(at, plus, minus, share):
        moved = _slide(at, 0, (2, 3), plus, minus)
        others = at.builder.fsub(moved, at.load(4))
        mean = at.builder.fmul(at.spread(share), others)
        at.store(1, mean)
        return (mean, mean), (mean, at.load(5))

    places = ((0, 1), (2, 3), (4, 5), (4, 6), (4, 7), (8, 9))
    kinds = (sums, None, means, None, rows, None, None, None, outputs, None)
    return _stepping(kinds, places, 3, step, sums=2)


@_emitted
def slide_step(_typing, sums, s, rows, j, steps, more, less, own, plus, minus, share, width):
    """Move a window's sum of steps by one token, and add it to a row.

    sums[s]' = sums[s] + plus steps[more] + minus steps[less]
    rows[j]' = rows[j] + sums[s]' + share steps[own]
    """

    def step(at, plus, minus, share):
        moved = _slide(at, 0, (2, 3), plus, minus)
        change = at.fma(share, at.load(4), moved)
        at.store(1, at.builder.fadd(at.load(1), change))

    places = ((0, 1), (2, 3), (4, 5), (4, 6), (4, 7))
    return _stepping((sums, None, rows, None, steps, None, None, None), places, 3, step)


@_emitted
def meet(_typing, outputs, v, means, gradients, i, step, share, width):
    """Update an output row and the gradient of a mean by one (mean, output) pair.

    outputs[v]'   = outputs[v] + step means[i]
    gradients[i]' = share (gradients[i] + step outputs[v])
    """

    def take(at, step, share):
        before = at.load(0)
        at.store(0, at.fma(step, at.load(1), before))
        moved = at.fma(step, before, at.load(2))
        at.store(2, at.builder.fmul(at.spread(share), moved))

    return _stepping((outputs, None, means, gradients, None), ((0, 1), (2, 4), (3, 4)), 2, take)


@_emitted
def add(_typing, to, i, rows, j, width):
    """to[i]' = to[i] + rows[j]."""

    def step(at):
        at.store(0, at.builder.fadd(at.load(0), at.load(1)))

    return _stepping((to, None, rows, None), ((0, 1), (2, 3)), 0, step)


@_emitted
def copy(_typing, to, i, rows, j, width):
    """to[i]' = rows[j]; return rows[j] · rows[j]."""

    def step(at):
        row = at.load(1)
        at.store(0, row)
        return ((row, row),)

    return _stepping((to, None, rows, None), ((0, 1), (2, 3)), 0, step, sums=1)
