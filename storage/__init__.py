"""Durable bytes: the engine port and its engines, group commit, the due index, blobs, backup and failpoints.

Knows keys and values, no service. ``conformance.py`` is the suite that every engine must pass.
"""
