"""State machines on a stand: what each of them needs to run in memory or on disk, through clean ends and crashes."""

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test


class StandMachine(RuleBasedStateMachine):
    """A stand, on a loop that runs one call after the other."""

    durable = False

    def __init__(self, stand_type: Any) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp()) if self.durable else None
        self.generations = 0
        self.stand = stand_type(self.folder / "0" if self.folder else None)
        self.run(self.stand.open())

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    @property
    def now_ms(self) -> int:
        return int(self.stand.clock.deadline_ms())

    @rule(clean=st.booleans())
    def restart(self, clean: bool) -> None:
        """Cleanly, or as after a crash: on a copy of what is on disk now."""
        if clean or self.folder is None:
            self.run(self.stand.restart())
            return
        self.generations += 1
        copy = self.folder / str(self.generations)
        shutil.copytree(self.stand.folder, copy)
        self.run(self.stand.close())
        self.stand.folder, self.stand.engine = copy, None
        self.run(self.stand.open())

    def teardown(self) -> None:
        assert self.run(self.stand.problems()) == []
        self.run(self.stand.close())
        self.loop.close()
        if self.folder is not None:
            shutil.rmtree(self.folder)


def check(machine: type[StandMachine], stand_type: Any, examples: int, *, on_disk: bool) -> None:
    """Run so many examples of a machine."""

    class Machine(machine):  # type: ignore[misc, valid-type] # the argument is the base
        durable = on_disk

        def __init__(self) -> None:
            super().__init__(stand_type)

    run_state_machine_as_test(Machine, settings=settings(max_examples=examples, stateful_step_count=40, deadline=None))
