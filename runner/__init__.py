"""Job definitions and jobs, the executors that isolate them, and the worker that runs them.

The job's record decides and a message is only a hint; the worker reaches the server through ``cumulo.client`` alone.
"""
