"""Commands: ``brain <area> <verb>``.

A new area is one module with a ``COMMANDS`` tuple, and one line in ``AREAS`` of
`brain.cli.main`. The module may import the standard library, msgspec and pure decisions at
its top; anything heavier is imported inside the functions that need it.
"""
