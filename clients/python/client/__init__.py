"""The SDK: ``Client`` and ``AsyncClient``, one typed interface to every service of a Cumulo server."""
