"""Who are you, and what may you do: accounts, users, groups, keys, tokens, policies and audit.

Every request passes its one ``authenticate`` and its one ``authorize``.
"""
