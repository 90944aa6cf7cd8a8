"""Qt's event loop drives a browser and a server, with notifiers and a timer."""

from __future__ import annotations

import gc
import socket
import time
from selectors import EVENT_READ
from typing import ClassVar

import pytest
from PySide6.QtCore import SIGNAL, QCoreApplication, QEvent, QEventLoop, QTimer

import slicerhost
from helpers.peers import ImagesInMemory, Peer, ServerInThread, make_image
from slicerhost import wait_until
from slicerhost.pythonqt_lifetime import release_destroyed


class Clock:
    """Something that is to be called at a time, and has no socket; before, it does nothing."""

    sockets: ClassVar = {}

    def __init__(self) -> None:
        self.next_deadline = None
        self.calls = []

    def step(self) -> None:
        if self.next_deadline is not None and time.monotonic() >= self.next_deadline:
            self.calls.append(self.next_deadline)
            self.next_deadline = None


@pytest.fixture(autouse=True)
def _started() -> None:
    slicerhost.start()


def test_it_calls_when_the_time_has_come():
    from IGTLMetaBrowserLib.ui.pump import Pump

    clock = Clock()
    pump = Pump(clock)
    for seconds in (0.05, 0.0, -1.0):
        due = clock.next_deadline = time.monotonic() + seconds
        pump.update()
        wait_until(lambda due=due: due in clock.calls, 20, "the call")
    pump.close()


def test_it_gives_way_to_others_that_have_waited_for_the_same_long_turn():
    from IGTLMetaBrowserLib.ui.pump import Pump

    order = []

    class Recording(Clock):
        def step(self) -> None:
            super().step()
            order.append("step")

    clock, other = Recording(), QTimer()
    pump = Pump(clock)
    clock.next_deadline = time.monotonic()
    pump.update()
    wait_until(lambda: order == ["step"], 20, "the first step")
    clock.next_deadline = time.monotonic()
    pump.update()
    other.setSingleShot(True)
    other.timeout.connect(lambda: order.append("other"))
    other.start(1)
    # Something is drawn: both are late.
    until = time.monotonic() + 0.03
    while time.monotonic() < until:
        pass
    wait_until(lambda: len(order) == 3, 20, "both")
    assert order == ["step", "other", "step"]
    pump.close()


def test_network_work_waits_no_longer_for_others_that_are_always_busy():
    from IGTLMetaBrowserLib.ui.pump import Pump

    clock = Clock()
    pump = Pump(clock)
    pump.step()
    due = clock.next_deadline = time.monotonic()
    pump.update()

    def be_busy() -> bool:
        until = time.monotonic() + 0.03
        while time.monotonic() < until:
            pass
        return due in clock.calls

    wait_until(be_busy, 20, "the step")
    pump.close()


def test_closed_it_calls_no_more():
    from IGTLMetaBrowserLib.ui.pump import Pump

    clock, other = Clock(), Clock()
    pumps = [Pump(clock), Pump(other)]
    for pump in pumps:
        pump.worker.next_deadline = time.monotonic() + 0.02
        pump.update()
    pumps[0].close()
    wait_until(lambda: other.calls, 20, "the one that is not closed")
    assert clock.calls == []
    pumps[1].close()


def test_closed_in_the_middle_of_a_step_it_calls_no_more_and_is_called_no_more():
    from IGTLMetaBrowserLib.ui.pump import Pump

    class Closing(Clock):
        def step(self) -> None:
            self.calls.append(self.next_deadline)
            pump.close()
            pump.close()  # as often as one likes

    clock, other = Closing(), Clock()
    clock.next_deadline = time.monotonic()
    pump = Pump(clock)
    pump.update()
    wait_until(lambda: clock.calls, 20, "the call")
    other_pump = Pump(other)
    other.next_deadline = time.monotonic() + 0.02
    other_pump.update()
    wait_until(lambda: other.calls, 20, "the one that is not closed")
    assert len(clock.calls) == 1
    assert pump._timer.receivers(SIGNAL("timeout()")) == 0
    other_pump.close()


def test_a_server_serves_many_clients_from_the_event_loop():
    from IGTLMetaBrowserLib import codec, net
    from IGTLMetaBrowserLib.ui.pump import Pump

    source = ImagesInMemory({"A": make_image(1)})
    with net.Server(source, port=0) as server:
        pump = Pump(server)
        pump.update()
        for total in (20, 40):  # the sockets of the first clients are closed, and used again
            peers = [Peer.connect(server.port) for _ in range(20)]
            for peer in peers:
                peer.send(codec.GetMessage("IMAGE", device_name="A"))
            wait_until(lambda total=total: len(source.asked_for) == total, 20, "questions")
            assert [peer.receive().device_name for peer in peers] == ["A"] * 20
            for peer in peers:
                peer.socket.close()
            wait_until(lambda: len(server.sockets) == 1, 20, "the clients to be forgotten")
        pump.close()


def test_nothing_is_kept_of_sockets_that_were_watched():
    from IGTLMetaBrowserLib.ui.pump import Notifiers

    def watch_and_leave(times: int) -> int:
        for _ in range(times):
            notifiers.watch({sock: EVENT_READ})
            notifiers.watch({})
            QCoreApplication.sendPostedEvents(None, QEvent.DeferredDelete)
            release_destroyed()
        gc.collect()
        return len(gc.get_objects())

    notifiers = Notifiers(lambda: None)
    with socket.socket() as sock:
        before = watch_and_leave(10)
        assert watch_and_leave(100) < before + 50


def test_a_dialog_that_somebody_opens_in_a_step_is_not_called_into(user):
    browser = user.module.widget.logic.browser
    steps = []

    def open_dialog(event) -> None:
        from IGTLMetaBrowserLib.browser.events import Listed

        if isinstance(event, Listed):
            # As in a message box, events go on, and the server goes on sending.
            loop = QEventLoop()
            QTimer.singleShot(200, loop.quit)
            browser.request_images(["A"])
            loop.exec()
            steps.append(browser.images.node("A"))

    browser.add_observer(open_dialog)
    with ServerInThread(ImagesInMemory({"A": make_image(1)})) as server:
        browser.connect("127.0.0.1", server.port)
        browser.images.request_list()
        wait_until(lambda: browser.images.node("A") is not None, 20, "the image, after the dialog")
        browser.disconnect()
    assert steps
    assert steps[0] is None
    browser.remove_observer(open_dialog)
