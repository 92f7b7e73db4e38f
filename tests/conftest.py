"""What holds for every test: how property tests search, and that only the installed package is under test.

Random order and its printed seed come from pytest-randomly; warnings are errors (pyproject.toml).
"""

import os
import signal

from hypothesis import HealthCheck, settings

# No deadline: a shared machine's pauses are no failure. A failing example prints the blob that repeats it.
settings.register_profile("cumulo", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", settings.get_profile("cumulo"), max_examples=1_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "cumulo"))

# A shell that runs this in the background ignores SIGINT, and so would every program that a test starts and interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
