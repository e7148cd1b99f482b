"""How the inner functions of kernels are compiled."""

from functools import partial
from typing import Any

from numba import njit

inner: Any = partial(njit, cache=True, nogil=True, fastmath=True, error_model="numpy", _nrt=False)
"""Decorator of functions that allocate nothing and return no array.

Numba counts references to arrays by atomic operations; those of the calls for one chunk of 64
tokens, each with a dozen arrays, took 6 % of CBOW's time. Whoever calls owns the arrays.
"""
