"""The key service: keys that never leave the server, and what they encrypt for their callers and for other rooms.

Speaks KMS's words. Imports nothing above identity; other rooms reach it by the port `core.ports.KeyService`.
"""
