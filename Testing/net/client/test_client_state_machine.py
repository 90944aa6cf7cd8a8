"""A client in any order of events: ask, cancel, close, push, the server dies and comes again.

Hypothesis looks for an order after which a query never ends, or has another's answer.
``SEQUENCES=100000`` in the environment is the long form.
"""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from helpers.any_order import ServerInAnyOrder, any_order
from helpers.patience import Patience
from helpers.peers import PATIENCE
from hostile.conversation import (
    IMAGES,
    PUSHED,
    Archive,
    check_image,
    check_list,
    check_received,
    check_trajectories,
)
from IGTLMetaBrowserLib import codec, net

CHECKS = {
    "IMGMETA": lambda query: check_list(query.answer.items),
    "IMAGE": lambda query: check_image(query.device_name, query.answer),
    "TRAJ": lambda query: check_trajectories(query.answer.items),
}


class AnyOrder(ServerInAnyOrder):
    """What a client does."""

    source: Archive

    def __init__(self) -> None:
        super().__init__(Archive())
        self.client = net.Client(
            "127.0.0.1", self.port.number, answer_timeout=1.0, connect_timeout=1.0
        )
        self.queries: list[net.Query] = []

    def teardown(self) -> None:
        patience = Patience(PATIENCE)
        self.start_server()
        while not all(query.is_done for query in self.queries):
            assert not patience.is_over, "it hung"
            self.step()
        self.answers_are_right()
        self.client.close()
        super().teardown()
        check_received(self.source.received)

    @rule(
        what=st.sampled_from([("IMGMETA", ""), ("TRAJ", ""), *(("IMAGE", id_) for id_ in IMAGES)])
    )
    def ask(self, what: tuple[str, str]) -> None:
        self.queries.append(self.client.ask(*what))

    @precondition(lambda self: self.queries)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        self.client.cancel(data.draw(st.sampled_from(self.queries)))

    @precondition(lambda self: self.client.is_connected)
    @rule()
    def push(self) -> None:
        self.client.send(codec.TrajectoryMessage([PUSHED], device_name="Tests"))

    @rule()
    def close(self) -> None:
        self.client.close()
        assert all(query.is_done for query in self.queries)

    @rule()
    def connect(self) -> None:
        self.client.connect()

    def step(self) -> None:
        super().step()
        self.client.step()

    @invariant()
    def answers_are_right(self) -> None:
        for query in self.queries:
            assert query.answer is None or query.error is None
            if query.answer is not None:
                CHECKS[query.data_type](query)
            elif query.error is not None:
                assert str(query.error)


AnyOrder.TestCase.settings = any_order(50)
TestAnyOrder = AnyOrder.TestCase
