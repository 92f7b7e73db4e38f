"""Generated from protos/ by `make gen`."""
