"""The only room that knows all rooms: entry point, configuration, wiring, listeners, background work, observability."""
