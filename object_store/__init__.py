"""Buckets and their objects: streaming bodies, multipart uploads, conditional writes, listings and notifications.

Concepts are pure functions over a storage transaction; only ``service.py`` holds state.
"""
