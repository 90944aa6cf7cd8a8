"""The files of Windows, as far as they can be had elsewhere: for a process of its own.

    subprocess.run([sys.executable, "-c", windows.FILES + "…"])

No file is removed or renamed that this process has open, and no locks of POSIX are there. The
project's module for whole files sees that it runs on Windows, and nothing else does: the paths of
pathlib stay those of this system. Only Linux tells which files are open (/proc).

``SIGNALS`` does so for the module that ends servers: processes of Windows get no signals, they are
ended. ``refuse_before_1970`` is its clock.
"""

from __future__ import annotations

import errno
import os
from datetime import datetime, tzinfo

FILES = """
import os, sys, types

sys.modules["fcntl"] = None
from IGTLMetaBrowserLib import whole_file

class WindowsOs(types.ModuleType):
    name = "nt"
    def __getattr__(self, attribute):
        if attribute in ("fchown", "fchmod"):
            raise AttributeError(attribute)
        return getattr(os, attribute)

whole_file.os = WindowsOs("os")

def refuse_for_open_files(event, arguments):
    if event in ("os.remove", "os.rename"):
        path = os.path.realpath(arguments[0])
        numbers = ["/proc/self/fd/" + number for number in os.listdir("/proc/self/fd")]
        if path in [os.readlink(number) for number in numbers if os.path.islink(number)]:
            raise PermissionError(13, "it is being used", path)

sys.addaudithook(refuse_for_open_files)
"""

SIGNALS = """
import os, signal, types
from IGTLMetaBrowserLib.cli import serving

class WindowsOs(types.ModuleType):
    name = "nt"
    def kill(self, number, _signal):
        os.kill(number, signal.SIGKILL)
    def __getattr__(self, attribute):
        return getattr(os, attribute)

serving.os = WindowsOs("os")
"""


def refuse_before_1970(moment_class: type[datetime]) -> type[datetime]:
    """Return a class whose moments have no local time near 1970, or before, as on Windows."""

    class WindowsMoment(moment_class):
        def astimezone(self, zone: tzinfo | None = None) -> datetime:
            if zone is None and self.replace(tzinfo=None) < datetime(1970, 1, 3):
                raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
            return super().astimezone(zone)

    return WindowsMoment
