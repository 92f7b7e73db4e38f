"""Queues and their messages: send, receive, lease, delete, redrive.

Concepts are pure functions over a storage transaction; only ``service.py`` holds state.
"""
