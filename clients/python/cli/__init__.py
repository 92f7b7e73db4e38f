"""The commands of ``cumulo`` that talk to a server; each leaf is one call of ``cumulo.client``."""
