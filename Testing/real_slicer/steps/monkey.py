"""A user in a hurry: anything at any time, by real widgets; what always holds is checked.

``MONKEY_SEED=7`` in the environment does again what a run with that seed did, as far as the servers
answer as quickly; ``MONKEY_SECONDS=600`` is a long form.
"""

import os
import random
import time

import qt
import slicer

from IGTLMetaBrowserLib.sources.demo import DemoSource
from real_slicer import invariants
from real_slicer.servers import ServerProcess
from real_slicer.user import MODULE, User
from real_slicer.views import set_layout

SECONDS = float(os.environ.get("MONKEY_SECONDS", "15"))
TIMEOUT_SECONDS = 3600  # the long form's; each wait has a shorter one
_SERVERS = {
    "clinic": (),
    "large_ct": (60, 5, 192, 60),
    "live_images": (320, 240, 10),
    "trajectories": (60, 3),
    "long_list": (3000,),
    "faulty": (),
    "soak_stream": (),
}
_OTHER_MODULES = ("Data", "Markups", "Volumes", "Segmentations", "Sequences", "Welcome")
_MOST_IMAGES = 20  # of a load: it has to end soon
_PREVIEW = 9  # the column


def run(step):
    seed = int(os.environ.get("MONKEY_SEED", time.time()))
    step.note(f"MONKEY_SEED={seed}")
    monkey = Monkey(step, random.Random(seed))
    yield from monkey.user.open()
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        yield from monkey.do_sequence()
    step.note(f"{monkey.done} things done in {monkey.sequences} sequences")


class CannotBeDoneError(Exception):
    """There is nothing to do it with, or the widget is disabled, as it may be."""


class Monkey:
    """Does what ``ACTIONS`` names, in any order."""

    def __init__(self, step, dice):
        self.step, self.dice, self.user = step, dice, User(step)
        self.done = self.sequences = 0
        self.truth = {one.id: DemoSource().image(one.id) for one in DemoSource().images()}
        self.scene_file = step.output / "monkey.mrb"
        self.servers = {}
        step.at_end(self.end)
        for kind, numbers in _SERVERS.items():
            self.servers[kind] = ServerProcess(kind, *numbers)
        self._recent = []
        self._answers = qt.QTimer()  # to questions, which have event loops of their own
        self._answers.setInterval(200)
        self._answers.timeout.connect(self._answer)
        self._answers.start()

    def end(self):
        self.scene_file.unlink(missing_ok=True)
        for server in self.servers.values():
            server.stop()

    def _answer(self):
        dialog = qt.QApplication.activeModalWidget()
        if dialog is not None and dialog.inherits("QMessageBox"):
            self.dice.choice(list(dialog.buttons())).click()
        elif dialog is not None:
            dialog.close()

    def do_sequence(self):
        self.sequences += 1
        for _ in range(self.dice.randint(5, 25)):
            act = self.choose()
            self._recent = [*self._recent[-15:], act.__name__]
            print(act.__name__, flush=True)
            try:
                yield from act(self) or ()
                self.done += 1
            except CannotBeDoneError:
                continue
            yield self.step.pause(self.dice.choice((0, 0, 0.02, 0.1, 0.4)))
            self.check(invariants.at_any_time(self.user))
        yield from self.leave()

    def choose(self):
        if not self.user.browser.connection.has_server and self.dice.random() < 0.4:
            return connect
        return self.dice.choices(list(ACTIONS), ACTIONS.values())[0]

    def leave(self):
        browser = self.user.browser
        if browser.connection.has_server:
            self.press(self.user.ui.connectButton)
        # What was on its way into the scene ends in turns: 60 lines take some seconds to draw.
        yield from self.wait_up_to(30, lambda: browser.next_deadline is None)
        self.check(invariants.at_any_time(self.user))
        self.check(invariants.after_leaving(self.user))
        self.check(invariants.wrong_voxels(self.truth))
        slicer.mrmlScene.Clear(0)
        yield self.step.pause(0.2)
        self.check(invariants.after_closing_scene())

    def wait_up_to(self, seconds, condition):
        end = time.monotonic() + seconds
        is_over = lambda: condition() or time.monotonic() > end  # noqa: E731
        yield self.user.until(is_over, "the time", seconds + 60)

    def check(self, problems):
        for problem in problems:
            self.step.check(False, f"{problem}, after {', '.join(self._recent)}")

    # What actions are made of

    def press(self, widget):
        slicer.util.selectModule(MODULE)
        self.user.bring_into_view(widget)
        if not (widget.enabled and widget.visible):  # or what it stands in is hidden
            raise CannotBeDoneError
        self.user.press(widget)

    def row(self, view):
        """Return one of the first rows."""
        slicer.util.selectModule(MODULE)
        count = min(view.model().rowCount(), 12)
        if not count:
            raise CannotBeDoneError
        return self.dice.randrange(count)

    def own_nodes(self):
        """Return what came from servers, and markups."""
        scene = slicer.mrmlScene
        nodes = [scene.GetNthNode(number) for number in range(scene.GetNumberOfNodes())]
        wanted = [one for one in nodes if one.GetAttribute(invariants.SERVER_ATTRIBUTE)]
        wanted += [one for one in nodes if one.IsA("vtkMRMLMarkupsNode") and one not in wanted]
        if not wanted:
            raise CannotBeDoneError
        return wanted

    def check_number(self):
        if len(self.user.widget.panel.selectedImageIds()) > _MOST_IMAGES:
            raise CannotBeDoneError


def connect(monkey):
    ui = monkey.user.ui
    if not monkey.user.browser.connection.has_server:
        kind = monkey.dice.choice(["clinic", "clinic", *monkey.servers])
        print(f"  to {kind}", flush=True)
        slicer.util.selectModule(MODULE)
        monkey.user.type(ui.hostLineEdit, "127.0.0.1")
        monkey.user.type(ui.portSpinBox, str(monkey.servers[kind].port))
    monkey.press(ui.connectButton)
    yield from monkey.wait_up_to(1, lambda: monkey.user.ids())


def kill_server(monkey):
    """It comes again at the same port with another content."""
    server = monkey.servers["clinic"]
    server.stop()
    kind = monkey.dice.choice(("clinic", "long_list"))
    monkey.servers["clinic"] = ServerProcess(kind, *_SERVERS[kind], port=server.port)


def press_button(monkey):
    names = "demo retry refresh labelMaps points record trajectories preview direction selectAll"
    names += " selectNone search hideTrajectories showTrajectories removeGone serve"
    name = monkey.dice.choice(names.split())
    print(f"  {name}", flush=True)
    monkey.press(getattr(monkey.user.ui, f"{name}Button"))


def load(monkey):
    monkey.check_number()
    monkey.press(monkey.user.ui.loadButton)
    yield monkey.step.pause(monkey.dice.choice((0, 0.2, 1)))


def cancel(monkey):
    monkey.press(monkey.user.ui.cancelButton)


def check_box(monkey):
    names = ("showInViews", "hidePatients", "keepPreviews", "turnSlices", "allLabels", "group")
    monkey.press(getattr(monkey.user.ui, f"{monkey.dice.choice(names)}CheckBox"))


def filter_list(monkey):
    slicer.util.selectModule(MODULE)
    monkey.user.type(monkey.user.ui.filterLineEdit, monkey.dice.choice(("", "head", "1", "é%")))


def sort(monkey):
    view = monkey.user.ui.imageTableView
    monkey.row(view)
    monkey.user.bring_into_view(view)
    monkey.user.click_header(view, "Name")


def click_row(monkey):
    view = monkey.dice.choice((monkey.user.ui.imageTableView, monkey.user.ui.trajectoryTableView))
    keys = monkey.dice.choice((qt.Qt.NoModifier, qt.Qt.ControlModifier, qt.Qt.ShiftModifier))
    monkey.user.click_row(view, monkey.row(view), keys, column=monkey.dice.choice((0, 1)))


def double_click_row(monkey):
    view = monkey.user.ui.imageTableView
    monkey.user.double_click_row(view, monkey.row(view), 1)


def choose_in_menu(monkey):
    panel, ui = monkey.user.widget.panel, monkey.user.ui
    part, view = monkey.dice.choice(
        ((panel.images, ui.imageTableView), (panel.trajectories, ui.trajectoryTableView))
    )
    row = monkey.row(view)
    monkey.check_number()
    monkey.user.open_menu(view, row)
    yield monkey.step.pause(0.1)
    menu = part.menu.menu
    actions = [one for one in menu.actions() if one.enabled and one.menu() is None]
    menu.close()
    monkey.dice.choice(actions).trigger()


def press_key(monkey):
    keys = (qt.Qt.Key_Escape, qt.Qt.Key_Return, qt.Qt.Key_Space, qt.Qt.Key_Left, qt.Qt.Key_Right)
    view = monkey.dice.choice((monkey.user.ui.imageTableView, monkey.user.ui.trajectoryTableView))
    monkey.check_number()
    monkey.user.key(view, monkey.dice.choice(keys))


def show_thumbnails(monkey):
    columns = monkey.user.widget.panel.images.columns
    columns.choose(_PREVIEW, not columns.isShown(_PREVIEW))


def delete_node(monkey):
    slicer.mrmlScene.RemoveNode(monkey.dice.choice(monkey.own_nodes()))


def rename_node(monkey):
    # No "&": Slicer cannot load a scene again in which a user has called a node so.
    monkey.dice.choice(monkey.own_nodes()).SetName(monkey.dice.choice(("", "50 %", "Ünï <b>")))


def close_scene(_monkey):
    slicer.mrmlScene.Clear(0)


def save_and_load_scene(monkey):
    monkey.own_nodes()
    slicer.util.saveScene(str(monkey.scene_file))
    yield monkey.step.pause(0.1)
    # Into the same scene, Slicer would double each node.
    slicer.mrmlScene.Clear(0)
    slicer.util.loadScene(str(monkey.scene_file))


def look_elsewhere(monkey):
    slicer.util.selectModule(monkey.dice.choice(_OTHER_MODULES))
    yield monkey.step.pause(0.2)
    node = slicer.vtkMRMLLayoutNode
    layouts = (node.SlicerLayoutFourUpView, node.SlicerLayoutOneUp3DView)
    set_layout(monkey.dice.choice(layouts))


def reload_module(monkey):
    slicer.util.selectModule(MODULE)
    monkey.user.widget.onReload()


def wait(monkey):
    yield monkey.step.pause(monkey.dice.choice((0.5, 1)))


ACTIONS = {
    connect: 4,
    kill_server: 1,
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
    close_scene: 1,
    save_and_load_scene: 1,
    look_elsewhere: 1,
    reload_module: 1,
    wait: 3,
}
"""How often each is done."""
