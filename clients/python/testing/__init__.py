"""Fixtures for programs that use Cumulo: a real server in a temporary folder, started and stopped around a test."""

from cumulo.testing.server import Server, ServerFailed

__all__ = ["Server", "ServerFailed"]
