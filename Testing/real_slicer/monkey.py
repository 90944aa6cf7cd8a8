"""A user in a hurry: anything at any time, by real widgets; what always holds is checked.

In Slicer (the step ``monkey``), and in the stand-in (``dev.py hostile window``).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import qt
import slicer

from helpers.patience import Patience
from hostile.conversation import is_done
from real_slicer import invariants
from real_slicer.inside import Step, Until
from real_slicer.user import MODULE, User

_MOST_IMAGES = 20  # of a load: it has to end soon
_PREVIEW = 9  # the column


class CannotBeDoneError(Exception):
    """There is nothing to do it with, or the widget is disabled, as it may be."""


class Monkey:
    """Does what ``actions`` names, as often as they say; counts ``sequences`` and things ``done``.

    ``servers``: what can be connected to, by name, each with a ``port``; the first one most often.
    ``truth``: the images that they have, or had, by id. ``haste``: by how much less than a user it
    waits between two things.
    """

    def __init__(
        self,
        step: Step,
        dice: random.Random,
        actions: Mapping[Callable[[Monkey], Any], float],
        servers: dict[str, Any],
        truth: Mapping[str, Sequence[Any]],
        haste: float = 1.0,
    ) -> None:
        self.step, self.dice, self.user = step, dice, User(step)
        self.actions, self.servers, self.truth, self.haste = actions, servers, truth, haste
        self.done = self.sequences = 0
        self.recent: list[str] = []
        self._answers = qt.QTimer()  # to questions, which have event loops of their own
        self._answers.setInterval(200 if haste == 1 else 20)
        self._answers.timeout.connect(self._answer)
        self._answers.start()
        step.at_end(self.end)

    def end(self) -> None:
        """Answer no more questions."""
        self._answers.stop()
        self._answers.timeout.disconnect(self._answer)

    def _answer(self) -> None:
        dialog = qt.QApplication.activeModalWidget()
        if dialog is not None and dialog.inherits("QMessageBox"):
            self.dice.choice(list(dialog.buttons())).click()
        elif dialog is not None:
            dialog.close()

    def do_sequence(self) -> Iterator[Until]:
        """Do some things, leave the server, and close the scene."""
        self.sequences += 1
        for _ in range(self.dice.randint(5, 25)):
            act = self._choose()
            self.note(act.__name__)
            try:
                yield from act(self) or ()
                self.done += 1
            except CannotBeDoneError:
                continue
            yield self.pause(self.dice.choice((0, 0, 0.02, 0.1, 0.4)))
            self.check(invariants.at_any_time(self.user))
        yield from self._leave()

    def note(self, what: str) -> None:
        """Remember what is done, for the words of a problem."""
        self.recent = [*self.recent[-15:], what]
        print(what, flush=True)

    def _choose(self) -> Callable[[Monkey], Any]:
        if not self.user.browser.connection.has_server and self.dice.random() < 0.4:
            return connect
        return self.dice.choices(list(self.actions), list(self.actions.values()))[0]

    def _leave(self) -> Iterator[Until]:
        browser = self.user.browser
        if browser.connection.has_server and self.dice.random() < 0.3:
            yield from self._let_all_end()
        if browser.connection.has_server:
            self.press(self.user.ui.connectButton)
        # What was on its way into the scene ends in turns: 60 lines take some seconds to draw.
        yield from self.wait_up_to(30, lambda: browser.next_deadline is None)
        self.check(invariants.at_any_time(self.user))
        self.check(invariants.at_rest(self.user))
        self.check(invariants.after_leaving(self.user))
        self.check(invariants.wrong_voxels(self.truth))
        slicer.mrmlScene.Clear(0)
        yield self.pause(0.2)
        self.check(invariants.after_closing_scene())

    def _let_all_end(self) -> Iterator[Until]:
        """Let all that was asked for end, where the server is there."""
        browser, events = self.user.browser, self.user.widget.panel.events
        has_ended = lambda: is_done(browser) and events.isUpToDate  # noqa: E731
        yield from self.wait_up_to(30, lambda: not browser.connection.has_server or has_ended())
        if browser.connection.state.name == "CONNECTED":
            self.check([] if has_ended() else ["what was asked for does not end"])
            self.check(invariants.at_rest(self.user))

    def pause(self, seconds: float) -> Until:
        """To be yielded: let so much of a user's time pass."""
        return self.step.pause(seconds / self.haste)

    def wait_up_to(self, seconds: float, condition: Callable[[], Any]) -> Iterator[Until]:
        """Wait for what may never come."""
        patience = Patience(seconds)
        is_over = lambda: condition() or patience.is_over  # noqa: E731
        yield self.user.until(is_over, "the time", 3600)

    def check(self, problems: Iterable[str]) -> None:
        """Fail for each problem, with what was done before."""
        for problem in problems:
            self.step.check(False, f"{problem}, after {', '.join(self.recent)}")

    # What actions are made of

    def press(self, widget: Any) -> None:
        """Press what can be pressed."""
        slicer.util.selectModule(MODULE)
        self.user.bring_into_view(widget)
        if not (widget.enabled and widget.visible):  # or what it stands in is hidden
            raise CannotBeDoneError
        self.user.press(widget)

    def row(self, view: Any) -> int:
        """Return one of the first rows."""
        slicer.util.selectModule(MODULE)
        count = min(view.model().rowCount(), 12)
        if not count:
            raise CannotBeDoneError
        return self.dice.randrange(count)

    def own_nodes(self, class_name: str = "vtkMRMLNode") -> list[Any]:
        """Return what came from servers, and markups, of a class."""
        scene = slicer.mrmlScene
        nodes = [scene.GetNthNode(number) for number in range(scene.GetNumberOfNodes())]
        wanted = [one for one in nodes if one.GetAttribute(invariants.SERVER_ATTRIBUTE)]
        wanted += [one for one in nodes if one.IsA("vtkMRMLMarkupsNode") and one not in wanted]
        wanted = [one for one in wanted if one.IsA(class_name)]
        if not wanted:
            raise CannotBeDoneError
        return wanted

    def check_number(self) -> None:
        """Load not too much: it has to end soon."""
        if len(self.user.widget.panel.images.selection.imageIds()) > _MOST_IMAGES:
            raise CannotBeDoneError


def connect(monkey: Monkey) -> Iterator[Until]:
    ui = monkey.user.ui
    if not monkey.user.browser.connection.has_server:
        names = list(monkey.servers)
        name = monkey.dice.choice([names[0], names[0], *names])
        monkey.note(f"to {name}")
        slicer.util.selectModule(MODULE)
        monkey.user.type(ui.hostLineEdit, "127.0.0.1")
        monkey.user.type(ui.portSpinBox, str(monkey.servers[name].port))
    monkey.press(ui.connectButton)
    yield from monkey.wait_up_to(1 / monkey.haste, lambda: monkey.user.ids())


def press_button(monkey: Monkey) -> None:
    names = "retry refresh labelMaps points record trajectories preview direction selectAll"
    names += " selectNone search hideTrajectories showTrajectories removeGone serve"
    name = monkey.dice.choice(names.split())
    monkey.note(name)
    monkey.press(getattr(monkey.user.ui, f"{name}Button"))


def load(monkey: Monkey) -> Iterator[Until]:
    monkey.check_number()
    monkey.press(monkey.user.ui.loadButton)
    yield monkey.pause(monkey.dice.choice((0, 0.2, 1)))


def cancel(monkey: Monkey) -> None:
    monkey.press(monkey.user.ui.cancelButton)


def check_box(monkey: Monkey) -> None:
    names = ("showInViews", "hidePatients", "keepPreviews", "turnSlices", "allLabels", "group")
    monkey.press(getattr(monkey.user.ui, f"{monkey.dice.choice(names)}CheckBox"))


def filter_list(monkey: Monkey) -> None:
    slicer.util.selectModule(MODULE)
    monkey.user.type(monkey.user.ui.filterLineEdit, monkey.dice.choice(("", "head", "1", "é%")))


def sort(monkey: Monkey) -> None:
    view = monkey.user.ui.imageTableView
    monkey.row(view)
    monkey.user.bring_into_view(view)
    monkey.user.click_header(view, "Name")


def click_row(monkey: Monkey) -> None:
    view = monkey.dice.choice((monkey.user.ui.imageTableView, monkey.user.ui.trajectoryTableView))
    keys = monkey.dice.choice((qt.Qt.NoModifier, qt.Qt.ControlModifier, qt.Qt.ShiftModifier))
    monkey.user.click_row(view, monkey.row(view), keys, column=monkey.dice.choice((0, 1)))


def double_click_row(monkey: Monkey) -> None:
    view = monkey.user.ui.imageTableView
    monkey.user.double_click_row(view, monkey.row(view), 1)


def choose_in_menu(monkey: Monkey) -> Iterator[Until]:
    panel, ui = monkey.user.widget.panel, monkey.user.ui
    part, view = monkey.dice.choice(
        ((panel.images, ui.imageTableView), (panel.trajectories, ui.trajectoryTableView))
    )
    row = monkey.row(view)
    monkey.check_number()
    monkey.user.open_menu(view, row)
    yield monkey.pause(0.1)
    menu = part.menu.menu
    actions = list(menu.actions())
    inner = [one.menu() for one in actions if one.enabled and one.menu() is not None]
    actions += [one for submenu in inner for one in submenu.actions()]
    actions = [one for one in actions if one.enabled and one.menu() is None]
    menu.close()
    action = monkey.dice.choice(actions)
    monkey.note(action.text)
    action.trigger()


def press_key(monkey: Monkey) -> None:
    keys = (qt.Qt.Key_Escape, qt.Qt.Key_Return, qt.Qt.Key_Space, qt.Qt.Key_Left, qt.Qt.Key_Right)
    view = monkey.dice.choice((monkey.user.ui.imageTableView, monkey.user.ui.trajectoryTableView))
    monkey.check_number()
    monkey.user.key(view, monkey.dice.choice(keys))


def show_thumbnails(monkey: Monkey) -> None:
    columns = monkey.user.widget.panel.images.columns
    columns.choose(_PREVIEW, not columns.isShown(_PREVIEW))


def delete_node(monkey: Monkey) -> None:
    slicer.mrmlScene.RemoveNode(monkey.dice.choice(monkey.own_nodes()))


def rename_node(monkey: Monkey) -> None:
    # No "&": Slicer cannot load a scene again in which a user has called a node so.
    monkey.dice.choice(monkey.own_nodes()).SetName(monkey.dice.choice(("", "50 %", "Ünï <b>")))


def move_image(monkey: Monkey) -> None:
    """Put an image under a transform, or change that; or harden it, as after a registration."""
    node = monkey.dice.choice(monkey.own_nodes("vtkMRMLVolumeNode"))
    transform = node.GetParentTransformNode()
    if transform is not None and monkey.dice.random() < 0.5:
        node.HardenTransform()
        return
    if transform is None:
        transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        node.SetAndObserveTransformNodeID(transform.GetID())
    turned = np.eye(4)
    turned[:3, 3] = [monkey.dice.uniform(-20, 20) for _ in range(3)]
    turned[:2, :2] = [[0, -1], [1, 0]]
    transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(turned))


def edit_points(monkey: Monkey) -> None:
    """Move, remove or add a control point, as with the module Markups."""
    node = monkey.dice.choice(monkey.own_nodes("vtkMRMLMarkupsNode"))
    count = node.GetNumberOfControlPoints()
    what = monkey.dice.choice(("move", "remove", "add"))
    monkey.note(what)
    node.SetLocked(False)
    if what == "add":
        node.AddControlPoint(1.0, 2.0, 3.0, "the user's")
    elif not count:
        raise CannotBeDoneError
    elif what == "remove":
        node.RemoveNthControlPoint(monkey.dice.randrange(count))
    else:
        node.SetNthControlPointPosition(monkey.dice.randrange(count), 4.0, 5.0, 6.0)


def close_scene(_monkey: Monkey) -> None:
    slicer.mrmlScene.Clear(0)


def wait(monkey: Monkey) -> Iterator[Until]:
    yield monkey.pause(monkey.dice.choice((0.5, 1)))


ACTIONS = {
    connect: 4,
    press_button: 14,
    load: 8,
    cancel: 3,
    check_box: 3,
    filter_list: 2,
    sort: 2,
    click_row: 12,
    double_click_row: 4,
    choose_in_menu: 6,
    press_key: 4,
    show_thumbnails: 2,
    delete_node: 4,
    rename_node: 2,
    move_image: 2,
    edit_points: 2,
    close_scene: 1,
    wait: 3,
}
"""What can be done everywhere, and how often it is."""
