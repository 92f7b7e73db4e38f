"""The wire contract in Python: messages and stubs generated from ``protos/``, committed, never edited by hand."""
