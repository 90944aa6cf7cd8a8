"""20 and 50 reloads: what each takes, and what they leave behind."""

import gc
import resource
from collections import Counter
from pathlib import Path

import slicer

from real_slicer.heartbeat import milliseconds
from real_slicer.user import User

CLASSES = ("IGTLMetaBrowserLogic", "BrowserPanel", "ImageTableModel", "Pump", "Browser")
PLAIN_MODULE = "SampleData"


def run(step):
    user = User(step)
    yield from user.open_demo()
    yield from user.load("DEMO_MR")
    for _ in range(3):  # what is made once is not to count
        user.widget.onReload()
        yield step.pause(0.1)
    done = 0
    before = megabytes()
    for count in (20, 50):
        while done < count:
            duration = milliseconds(user.widget.onReload)
            done += 1
            yield step.pause(0.05)
        left = objects()
        grown = megabytes() - before
        step.figure(
            f"{count} reloads: memory more", "", f"{grown:.1f} MB, the last took {duration:.0f} ms"
        )
        for name in CLASSES:
            step.check(left[name] <= 2, f"{left[name]} objects of {name} after {count} reloads")
        step.note(f"after {count} reloads: {dict(left)}")
    yield from plain_reloads(step, 50)


def plain_reloads(step, count):
    """As many reloads of a module that Slicer brings."""
    if not hasattr(slicer.modules, PLAIN_MODULE.lower()):
        return
    slicer.util.getModuleWidget(PLAIN_MODULE)
    before = megabytes()
    for _ in range(count):
        duration = milliseconds(lambda: slicer.util.reloadScriptedModule(PLAIN_MODULE))
        yield step.pause(0.05)
    grown = megabytes() - before
    step.note(f"{count} reloads of {PLAIN_MODULE}: {grown:.1f} MB, the last took {duration:.0f} ms")


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
