"""The files of Windows, as far as they can be had elsewhere: for a process of its own.

    subprocess.run([sys.executable, "-c", windows.FILES + "…"])

No file is removed or renamed that this process has open, and no locks of POSIX are there. The
project's module for whole files sees that it runs on Windows, and nothing else does: the paths of
pathlib stay those of this system. Only Linux tells which files are open (/proc).

``SIGNALS`` does so for the module that ends servers: processes of Windows get no signals, they are
ended.
"""

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
