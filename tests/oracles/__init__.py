"""Plain numpy that tests compare kernels with, shared by the tests of several modules."""
