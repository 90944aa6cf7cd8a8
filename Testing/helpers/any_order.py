"""State machines of hypothesis, and how long they are driven.

``SEQUENCES=100000`` in the environment is the long form.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from helpers.reserved_port import ReservedPort
from IGTLMetaBrowserLib import net


def any_order(sequences: int) -> settings:
    """Return the settings of a state machine; ``sequences`` is how many its short form has."""
    return settings(
        max_examples=int(os.environ.get("SEQUENCES", sequences)),
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


class ServerInAnyOrder(RuleBasedStateMachine):
    """A server of ``source`` that dies and comes again, on one port.

    It is stepped here, too, so that the same order gives the same end. Who uses it steps as well,
    in ``step``.
    """

    def __init__(self, source: net.Source) -> None:
        super().__init__()
        self.source = source
        self.port = ReservedPort()
        self.server: net.Server | None = None
        self.start_server()

    def teardown(self) -> None:
        self.stop_server()
        self.port.close()

    @rule()
    def stop_server(self) -> None:
        if self.server is not None:
            self.server.close()
            self.server = None

    @rule()
    def start_server(self) -> None:
        if self.server is None:
            self.server = net.Server(self.source, port=self.port.number)

    @rule(count=st.integers(1, 8))
    def time_passes(self, count: int) -> None:
        for _ in range(count):
            self.step()

    def step(self) -> None:
        if self.server is not None:
            self.server.step()
