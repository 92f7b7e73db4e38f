"""What every room speaks: errors, operation tables, request context, clocks, ids, tokens, limits, ports and lazy
imports.

No I/O happens here, and no other room is known here.
"""
