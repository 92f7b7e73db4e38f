"""The HTTP edge: the HTTP/1.1 listener and the protocols spoken on it.

Knows protocols, knows no service.
"""
