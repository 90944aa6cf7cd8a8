"""20 and 50 reloads: what each takes, and what they leave behind."""

import gc
import resource
from collections import Counter
from pathlib import Path

import slicer

from real_slicer.heartbeat import milliseconds
from real_slicer.user import User

CLASSES = (
    "IGTLMetaBrowserLogic",
    "BrowserPanel",
    "ImageTableModel",
    "Pump",
    "BrowserBesideEndpoints",
)
PLAIN_MODULE = "SampleData"


def run(step):
    user, plain, ours = User(step), {}, {}
    yield from user.open_demo()
    yield from user.load("DEMO_MR")
    yield from reload(step, user.widget.onReload, ours)
    left = objects()
    for name in CLASSES:
        step.check(left[name] <= 1, f"{left[name]} objects of {name} after 50 reloads")
    step.note(f"after 50 reloads there are: {dict(left)}")
    if hasattr(slicer.modules, PLAIN_MODULE.lower()):
        slicer.util.getModuleWidget(PLAIN_MODULE)
        again = lambda: slicer.util.reloadScriptedModule(PLAIN_MODULE)  # noqa: E731
        yield from reload(step, again, plain)
    for count, text in ours.items():
        step.figure(f"{count} reloads: memory more", "", text, plain.get(count, ""))


def reload(step, call, texts):
    """Reload a module 20 and 50 times, and say what that takes and leaves."""
    for _ in range(3):  # what is made once is not to count
        call()
        yield step.pause(0.1)
    before = megabytes()
    for number in range(1, 51):
        duration = milliseconds(call)
        yield step.pause(0.05)
        if number in (20, 50):
            gc.collect()
            grown = megabytes() - before
            texts[number] = f"{grown:.1f} MB, the last took {duration:.0f} ms"


def objects():
    """How many objects of the module's classes there are."""
    gc.collect()
    names = Counter(type(one).__name__ for one in gc.get_objects())
    return Counter({name: names[name] for name in CLASSES})


def megabytes():
    """The memory that this process has now; where that is not known, the most that it had."""
    try:
        with Path("/proc/self/statm").open(encoding="ascii") as file:
            return int(file.read().split()[1]) * resource.getpagesize() / 1e6
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
