"""The SDK's source: the asynchronous flavour, from which `.ci/sync_twin.py` makes the synchronous twin `_sync`."""
