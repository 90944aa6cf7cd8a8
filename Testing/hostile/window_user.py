"""Who works with the window at random: the monkey of the real Slicer, in the stand-in for it."""

from __future__ import annotations

import random
import time
import traceback
from collections.abc import Iterable, Iterator
from typing import Any

import qt
import slicer

from hostile.rig import WAYS
from hostile.window_servers import TRUTH, Replaceable
from IGTLMetaBrowserLib.browser.events import Connected, ImageLoaded
from real_slicer import invariants
from real_slicer.inside import Step, Until
from real_slicer.monkey import ACTIONS, CannotBeDoneError, Monkey
from real_slicer.user import MODULE
from slicerhost import slot_errors
from slicerhost.pythonqt_lifetime import release_destroyed

HASTE = 50.0
"""By how much less than a user it waits between two things."""
_SEARCHES = ("", "Doe", "Jane Doe", "x", "é%")
_DAYS = ("", "2024-01-01", "tomorrow", "20240230")


class WindowUser(Monkey):
    """A monkey that drives Qt's event loop itself, and sees what slots raise."""

    def __init__(self, servers: dict[str, Any]) -> None:
        super().__init__(Step("window"), random.Random(0), ALL_ACTIONS, servers, TRUTH, HASTE)
        self._starts_when_connected: dict[int, int] = {}
        browser = self.user.browser
        browser.add_observer(self._on_connected, Connected)
        browser.add_observer(self._on_image_loaded, ImageLoaded)

    def do(self, dice: random.Random, in_parts: bool) -> None:
        """Do a sequence, and look for what it has left.

        ``in_parts``: the images, which are small, come in parts as large ones do.
        """
        self.dice, self.recent = dice, []
        # Those of another sequence: alone, this one would be another.
        slicer.app.settings().remove("IGTLMetaBrowser/Servers")
        for server in self.replaceable():
            server.start()
        with WAYS["plain browser in parts" if in_parts else "plain browser"].use():
            try:
                for wait in self.do_sequence():
                    self._follow(wait)
            except Exception:
                self.check([traceback.format_exc()])

    def note(self, what: str) -> None:
        """Remember what is done, in silence: there are 100,000 of these."""
        self.recent = [*self.recent[-30:], what]

    def check(self, problems: Iterable[str]) -> None:
        """Fail for each problem, and for what slots have raised."""
        raised = [f"a slot raised {type(error).__name__}: {error}" for error in slot_errors]
        slot_errors.clear()
        super().check([*raised, *problems])

    def _follow(self, wait: Until) -> None:
        # Without sleep: on a busy machine, each costs more than what is waited for.
        end = time.monotonic() + wait.seconds
        self._turn()
        while not wait.condition():
            if time.monotonic() > end:
                raise TimeoutError(f"waited {wait.seconds:g} s in vain for {wait.what}")
            self._turn()

    def _turn(self) -> None:
        slicer.app.processEvents()
        slicer.app.sendPostedEvents(None, qt.QEvent.DeferredDelete)
        release_destroyed()

    def replaceable(self) -> list[Replaceable]:
        """Return the servers that can end and come again."""
        return [one for one in self.servers.values() if isinstance(one, Replaceable)]

    # What is known of the servers of this process: which images they have at this moment.

    def _server(self) -> Replaceable | None:
        address = self.user.browser.connection.host_and_port
        return next((one for one in self.replaceable() if (one.address) == address), None)

    def _on_connected(self, _event: Connected) -> None:
        server = self._server()
        self._starts_when_connected = {} if server is None else {server.port: server.starts}

    def _on_image_loaded(self, event: ImageLoaded) -> None:
        """Check that it is the image of now, if the server has not come again meanwhile."""
        server = self._server()
        if server is None or self._starts_when_connected.get(server.port) != server.starts:
            return
        if event.image_id in TRUTH and event.node is not None:
            image = server.source.image(event.image_id)
            self.check(invariants.wrong_volume(event.node, [image]))


def end_server(monkey: WindowUser) -> None:
    """Let a server end."""
    server = monkey.dice.choice(monkey.replaceable())
    if not server.is_running:
        raise CannotBeDoneError
    server.stop()


def start_server(monkey: WindowUser) -> None:
    """Let a server come again, with its next images."""
    server = monkey.dice.choice(monkey.replaceable())
    if server.is_running:
        raise CannotBeDoneError
    server.start()


def replace_server(monkey: WindowUser) -> None:
    """Let a server end, and another one come at its address at once."""
    server = monkey.dice.choice(monkey.replaceable())
    server.stop()
    server.start()


def save_and_load_scene(monkey: WindowUser) -> Iterator[Until]:
    """Save the scene, close it, and load it."""
    monkey.own_nodes()
    file = str(monkey.step.output / "window.mrb")
    slicer.mrmlScene.WriteToMRB(file)
    yield monkey.pause(0.1)
    slicer.mrmlScene.Clear(0)
    slicer.mrmlScene.ReadFromMRB(file)


def leave_module(_monkey: WindowUser) -> None:
    """Choose no module: the panel is not seen until it is used again."""
    slicer.util.selectModule("")


def add_region(monkey: WindowUser) -> None:
    """Put a region of interest into the scene, which the menu of the table then offers."""
    roi = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode")
    roi.SetCenter([monkey.dice.uniform(-20, 20) for _ in range(3)])
    roi.SetSize([monkey.dice.choice((0.5, 4, 100)) for _ in range(3)])


def search(monkey: WindowUser) -> None:
    """Type into the search fields, which are folded into a button."""
    slicer.util.selectModule(MODULE)
    ui = monkey.user.ui
    if ui.searchWidget.isHidden():
        monkey.press(ui.searchButton)
    if monkey.dice.random() < 0.3:
        monkey.user.type(
            monkey.dice.choice((ui.searchFromLineEdit, ui.searchToLineEdit)),
            monkey.dice.choice(_DAYS),
        )
    else:
        monkey.user.type(ui.searchPatientLineEdit, monkey.dice.choice(_SEARCHES))


def change_setting(monkey: WindowUser) -> None:
    """Change how a server is treated; not its coordinates, with which images are elsewhere."""
    slicer.util.selectModule(MODULE)
    ui = monkey.user.ui
    change = monkey.dice.choice(("diameter", "connect", "answer", "largest", "checksum"))
    if change == "diameter":
        ui.diameterComboBox.currentIndex = 1 - ui.diameterComboBox.currentIndex
    elif change == "checksum":
        ui.missingChecksumCheckBox.checked = not ui.missingChecksumCheckBox.checked
    else:
        names = {"connect": "connectTimeout", "answer": "answerTimeout", "largest": "largestImage"}
        box = getattr(ui, f"{names[change]}SpinBox")
        # The server that streams answers nothing: who allows it minutes waits for minutes, rightly.
        box.value = monkey.dice.choice((1, 2) if change == "answer" else (1, 2, 30, 2048))


def wait_longer(monkey: WindowUser) -> Iterator[Until]:
    """Let timers end that wait for a user to go on."""
    yield monkey.step.pause(monkey.dice.choice((0.3, 0.8)))


ALL_ACTIONS = {
    **ACTIONS,
    end_server: 2,
    start_server: 2,
    replace_server: 1,
    save_and_load_scene: 1,
    leave_module: 1,
    add_region: 2,
    search: 2,
    change_setting: 2,
    wait_longer: 0.5,
}
