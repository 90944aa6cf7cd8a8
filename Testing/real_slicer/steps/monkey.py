"""A user in a hurry: anything at any time, by real widgets; what always holds is checked.

``MONKEY_SEED=7`` in the environment does again what a run with that seed did, as far as the servers
answer as quickly; ``MONKEY_SECONDS=600`` is a long form.
"""

import os
import random
import time

import slicer

from IGTLMetaBrowserLib.sources.demo import DemoSource
from real_slicer.monkey import ACTIONS, Monkey
from real_slicer.servers import ServerProcess
from real_slicer.user import MODULE
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


def run(step):
    seed = int(os.environ.get("MONKEY_SEED", time.time()))
    step.note(f"MONKEY_SEED={seed}")
    servers = {}
    step.at_end(lambda: [server.stop() for server in servers.values()])
    step.at_end(lambda: scene_file(step).unlink(missing_ok=True))
    for kind, numbers in _SERVERS.items():
        servers[kind] = ServerProcess(kind, *numbers)
    demo = DemoSource()
    truth = {one.id: [demo.image(one.id)] for one in demo.images()}
    monkey = Monkey(step, random.Random(seed), {**ACTIONS, **ONLY_IN_SLICER}, servers, truth)
    yield from monkey.user.open()
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        yield from monkey.do_sequence()
    step.note(f"{monkey.done} things done in {monkey.sequences} sequences")


def scene_file(step):
    """Where scenes are saved."""
    return step.output / "monkey.mrb"


def kill_server(monkey):
    """It comes again at the same port with another content."""
    server = monkey.servers["clinic"]
    server.stop()
    kind = monkey.dice.choice(("clinic", "long_list"))
    monkey.servers["clinic"] = ServerProcess(kind, *_SERVERS[kind], port=server.port)


def press_demo(monkey):
    monkey.press(monkey.user.ui.demoButton)


def save_and_load_scene(monkey):
    monkey.own_nodes()
    file = str(scene_file(monkey.step))
    slicer.util.saveScene(file)
    yield monkey.pause(0.1)
    # Into the same scene, Slicer would double each node.
    slicer.mrmlScene.Clear(0)
    slicer.util.loadScene(file)


def look_elsewhere(monkey):
    slicer.util.selectModule(monkey.dice.choice(_OTHER_MODULES))
    yield monkey.pause(0.2)
    node = slicer.vtkMRMLLayoutNode
    layouts = (node.SlicerLayoutFourUpView, node.SlicerLayoutOneUp3DView)
    set_layout(monkey.dice.choice(layouts))


def reload_module(monkey):
    slicer.util.selectModule(MODULE)
    monkey.user.widget.onReload()


ONLY_IN_SLICER = {
    kill_server: 1,
    press_demo: 1,
    save_and_load_scene: 1,
    look_elsewhere: 1,
    reload_module: 1,
}
"""What is done in another way in the stand-in, or cannot be done there."""
