# Generated from _async/__init__.py by `make gen` (.ci/sync_twin.py). Do not edit.
"""The SDK's source: the synchronous flavour, from which `.ci/sync_twin.py` makes the synchronous twin `_sync`."""
