"""Reloading in developer mode: the Lib is new as well, and nothing of the old module stays."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import shiboken6
from PySide6.QtCore import QSocketNotifier, QTimer

from helpers.peers import open_descriptors
from slicerhost import wait_until

MODULE_FOLDER = Path(__file__).parents[2] / "IGTLMetaBrowser"


def lib_modules() -> dict[str, object]:
    names = [name for name in sys.modules if name.split(".")[0] == "IGTLMetaBrowserLib"]
    return {name: sys.modules[name] for name in names}


def left_behind(scene) -> Counter[str]:
    """Count what a module must not leave behind: sockets, observers, running timers, notifiers."""
    gc.collect()
    counts = Counter(sockets=open_descriptors(), observers=str(scene).count("vtkObserver ("))
    for thing in filter(shiboken6.isValid, gc.get_objects()):
        if isinstance(thing, QTimer):
            counts["timers"] += thing.isActive()
        elif isinstance(thing, QSocketNotifier):
            counts["notifiers"] += thing.isEnabled()
    return counts


def use(user) -> None:
    """Connect to the demo, load an image, begin to load others, and load the sample image."""
    browser = user.module.widget.logic.browser
    user.press(user.ui.demoButton)
    wait_until(lambda: len(browser.images.listing.entries) == 3, 20, "the list")
    browser.request_images(["DEMO_PT", "DEMO_MR", "DEMO_CT"])
    wait_until(lambda: browser.images.node("DEMO_PT") is not None, 20, "the PET")
    user.module.widget.sampleImage.load()


@pytest.fixture
def fresh_scene(slicer_host):
    scene = slicer_host.mrmlScene
    scene.Clear(0)
    return scene


def test_a_reload_in_the_middle_of_a_transfer_leaves_nothing_behind(user, fresh_scene):
    use(user)
    user.module.reload()  # what the first use makes once, such as a log file, is there now
    before = left_behind(fresh_scene)
    use(user)
    assert left_behind(fresh_scene) > before
    widget = user.module.widget
    old = [widget, widget.logic, widget.panel, widget.sampleImage]
    user.module.reload()
    fresh_scene.Clear(0)
    wait_until(lambda: True, 1, "what is deleted later")
    # They have let go by themselves: a garbage collector had nothing to do with it.
    assert all(old)
    assert left_behind(fresh_scene) <= before  # less if what other tests left is gone by now


def test_the_module_works_after_a_reload(user):
    for _ in range(2):
        use(user)
        user.module.reload()
    use(user)


def test_a_reload_makes_the_whole_lib_anew_and_all_of_it_agrees(user):
    before = lib_modules()
    user.module.reload()
    after = lib_modules()
    assert set(after) == set(before)
    assert all(after[name] is not module for name, module in before.items())
    # Each file has seen the new ones of those that it imports.
    for module in after.values():
        for value in vars(module).values():
            home = getattr(value, "__module__", None)
            if isinstance(value, type) and home in after:
                assert getattr(after[home], value.__qualname__) is value


RELOAD_A_CHANGED_LIB = """
import sys
import slicerhost
from pathlib import Path

slicerhost.start()
folder = Path(sys.argv[1])
module = slicerhost.load_module(folder / "IGTLMetaBrowser.py")
module.show()
lowest = folder / "IGTLMetaBrowserLib" / "net" / "address.py"
panel = folder / "IGTLMetaBrowserLib" / "ui" / "panel.py"

lowest.write_text(lowest.read_text().replace("DEFAULT_PORT = 18944", "DEFAULT_PORT = 18999"))
module.reload()
print("port", sys.modules["IGTLMetaBrowser"].DEFAULT_PORT)

good = panel.read_text()
old = sys.modules["IGTLMetaBrowserLib.net.address"]
panel.write_text(good + "this is no Python")
try:
    module.reload()
except SyntaxError:
    print("refused")
print("kept", sys.modules["IGTLMetaBrowserLib.net.address"] is old)
print("still", len(module.widget.logic.browser.images.listing.entries))
panel.write_text(good + "\\nMENDED = True\\n")
module.reload()
print("mended", sys.modules["IGTLMetaBrowserLib.ui.panel"].MENDED)
module.cleanup()
"""


def test_a_reload_brings_what_a_developer_has_changed_and_survives_mistakes(tmp_path):
    folder = tmp_path / "IGTLMetaBrowser"
    shutil.copytree(MODULE_FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    path = os.pathsep.join([str(folder), str(Path(__file__).parents[1])])
    run = subprocess.run(
        [sys.executable, "-B", "-c", RELOAD_A_CHANGED_LIB, str(folder)],
        env={**os.environ, "PYTHONPATH": path, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    answers = [line for line in run.stdout.splitlines() if line and line[0].islower()]
    assert answers == ["port 18999", "refused", "kept True", "still 0", "mended True"], run.stderr


@pytest.mark.parametrize("name", ["model", "trajectories", "details"])
def test_the_models_end_with_the_module(load_slicer_module, name):
    """A Python model whose signals are connected when Slicer exits would crash it."""
    module = load_slicer_module(MODULE_FOLDER / "IGTLMetaBrowser.py")
    panel = module.widget.panel
    models = {
        "model": panel.model,
        "trajectories": panel.trajectories.model,
        "details": panel.images.details.model,
    }
    module.cleanup()
    assert not shiboken6.isValid(models[name])
