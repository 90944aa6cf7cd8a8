"""How long objects live in PythonQt: what connected signals keep alive, and what ``delete()`` ends.

A connected signal keeps its receiver alive, and with a bound method the object that the method
belongs to. The reference is held in C++, where Python's garbage collector does not see it: an
object that holds a sender whose signal is connected to one of its own methods is never freed, until
``disconnect()`` or ``delete()``. PySide6 holds the owner of a bound method weakly.

A Python subclass of a Qt class that still has a connected signal when Slicer exits crashes it:
PythonQt removes the receivers after Python has ended. `crashing_senders` names such objects.
"""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any


class _Connections:
    """The connected callables of one object, by the name of the signal."""

    def __init__(self, sender: Any, is_cxx: Callable[[type], bool]) -> None:
        cls = type(sender)
        # The application of the stand-in is a Python class; that of Slicer is not.
        is_slicers_own = is_cxx(cls) or sender.inherits("QCoreApplication")
        self.python_class = None if is_slicers_own else cls.__qualname__
        self.receivers: dict[str, list[Callable[..., Any]]] = {}


_connections: dict[int, _Connections] = {}
"""What is connected now, by the address of the sender."""

_destroyed_connections: list[_Connections] = []
"""Those of objects that Qt has destroyed; see `release_destroyed`."""

_owners: dict[int, tuple[weakref.ref[Any], str]] = {}
"""The sender of a signal and the signal's name, by the id of the signal instance.

Ids are reused, so that an entry is checked before it is believed; see `_sender`.
"""

_under_construction: list[Any] = []


def crashing_senders() -> list[str]:
    """The Python classes, and their signals, that would crash Slicer if it exited now."""
    return [
        f"{connections.python_class}.{signal}"
        for connections in _connections.values()
        if connections.python_class
        for signal, receivers in connections.receivers.items()
        if receivers
    ]


def forget() -> None:
    """Let go of everything that connected signals keep alive. Their connections stay with Qt."""
    _connections.clear()
    release_destroyed()


def release_destroyed() -> None:
    """Let go of what destroyed objects kept alive.

    Not at once: what is released may own widgets that are just being destroyed as well.
    """
    _destroyed_connections.clear()


def note_signal(owner: Any, name: str, signal: Any) -> None:
    """Note whose signal this is: PySide6 does not say so."""
    key = id(signal)

    def forget_owner(reference: weakref.ref[Any]) -> None:
        if _owners.get(key, (None, ""))[0] is reference:  # no other signal has the id by now
            del _owners[key]

    _owners[key] = (weakref.ref(owner, forget_owner), name)


def install(QtCore: ModuleType, is_cxx: Callable[[type], bool]) -> None:
    """Make signals keep their receivers, and give all objects ``delete()``."""
    _note_signals_of_new_objects(QtCore)
    _keep_receivers(QtCore, is_cxx)
    _add_delete(QtCore, is_cxx)


def _note_signals_of_new_objects(QtCore: ModuleType) -> None:
    def call(cls: type, *arguments: Any, **keywords: Any) -> Any:
        if not issubclass(cls, QtCore.QObject):
            return type.__call__(cls, *arguments, **keywords)
        for base in cls.__mro__:
            if not base.__module__.startswith("PySide6."):
                _forget_meta_object(base)
        created = cls.__new__(cls, *arguments, **keywords)
        _under_construction.append(created)  # it may connect its own signals in __init__
        try:
            created.__init__(*arguments, **keywords)
        finally:
            _under_construction.pop()
        _note_signals(created, QtCore.SignalInstance)
        return created

    type(QtCore.QObject).__call__ = call


def _forget_meta_object(python_class: type) -> None:
    """Have PySide6 forget the address of the meta-object of a Python class.

    It frees it with the class, or when a slot is added to it, and takes whatever Qt puts at that
    address for the meta-object: a selection model was a QMetaObject then.
    """
    if "staticMetaObject" in vars(python_class):
        # Not imported above: it imports PySide6, which `prepare()` has to precede.
        import shiboken6

        shiboken6.invalidate(vars(python_class)["staticMetaObject"])


def _note_signals(owner: Any, signal_class: type) -> None:
    for name, member in vars(owner).items():
        if isinstance(member, signal_class):
            note_signal(owner, name, member)


def _sender(signal: Any) -> tuple[Any, str]:
    """The object that has this signal, and the signal's name; None where that is not known."""
    for owner in _under_construction:
        _note_signals(owner, type(signal))
    reference, name = _owners.get(id(signal), (lambda: None, ""))
    owner = reference()
    return (owner, name) if owner is not None and vars(owner).get(name) is signal else (None, "")


def _keep_receivers(QtCore: ModuleType, is_cxx: Callable[[type], bool]) -> None:
    connect, disconnect = QtCore.SignalInstance.connect, QtCore.SignalInstance.disconnect

    def connect_and_keep(signal: Any, receiver: Any, *options: Any, **keywords: Any) -> Any:
        connection = connect(signal, receiver, *options, **keywords)
        sender, name = _sender(signal)
        if sender is not None and not _is_cxx_method(receiver, is_cxx):
            _connections_of(sender).receivers.setdefault(name, []).append(receiver)
        return connection

    def disconnect_and_release(signal: Any, *receiver: Any) -> Any:
        sender, name = _sender(signal)
        if sender is not None:
            _release(sender, name, *receiver)
        with warnings.catch_warnings():  # PythonQt only returns False where nothing is connected
            warnings.simplefilter("ignore", RuntimeWarning)
            return disconnect(signal, *receiver)

    def _connections_of(sender: Any) -> _Connections:
        address = _address(sender)
        if address not in _connections:
            _connections[address] = _Connections(sender, is_cxx)
            connect(sender.destroyed, lambda *_: note_destroyed(address))
        return _connections[address]

    def note_destroyed(address: int) -> None:
        if address in _connections:
            _destroyed_connections.append(_connections.pop(address))

    QtCore.SignalInstance.connect = connect_and_keep
    QtCore.SignalInstance.disconnect = disconnect_and_release


def _is_cxx_method(receiver: Any, is_cxx: Callable[[type], bool]) -> bool:
    """Whether Qt, or a stand-in for a C++ class, connects one of its own methods."""
    owner = getattr(receiver, "__self__", None)
    return owner is not None and is_cxx(type(owner))


def _release(sender: Any, name: str, *receiver: Any) -> None:
    connections = _connections.get(_address(sender))
    receivers = connections.receivers.get(name, []) if connections else []
    if not receiver:
        receivers.clear()
    elif receiver[0] in receivers:
        receivers.remove(receiver[0])


def _address(sender: Any) -> int:
    import shiboken6

    return shiboken6.getCppPointer(sender)[0]


# Deleted objects --------------------------------------------------------------------------------


def _add_delete(QtCore: ModuleType, is_cxx: Callable[[type], bool]) -> None:
    import shiboken6

    def delete(self: Any) -> None:
        """Delete the C++ object now, whoever owns it; the Python object says so when it is used."""
        if not shiboken6.isValid(self):
            return
        address = _address(self)
        shiboken6.delete(self)
        _connections.pop(address, None)
        release_destroyed()
        vars(object)["__class__"].__set__(self, _destroyed(type(self), is_cxx))

    QtCore.QObject.delete = delete


def _destroyed(cls: type, is_cxx: Callable[[type], bool]) -> type:
    """A class for deleted objects: Python's own members work, those of Qt raise ValueError."""

    def get(self: Any, name: str) -> Any:
        own = name.startswith("__") or name == "delete" or any(_python_members(cls, name, is_cxx))
        member = getattr(cls, name, None)
        if own or member is None:
            return object.__getattribute__(self, name)
        if isinstance(member, property):
            raise ValueError(f"Trying to read property '{name}' from a destroyed {qt_name} object")
        return refuse(f"Trying to call '{name}' on a destroyed {qt_name} object")

    def set_(self: Any, name: str, value: Any) -> None:
        if isinstance(getattr(cls, name, None), property):
            problem = f"Trying to set property '{name}' on a destroyed {qt_name} object"
            raise AttributeError(problem)
        vars(self)[name] = value

    qt_name = next(base.__name__ for base in cls.__mro__ if is_cxx(base))
    members = {"__getattribute__": get, "__setattr__": set_, "__module__": cls.__module__}
    destroyed = type(cls.__name__, (cls,), members)
    _forget_meta_object(destroyed)
    return destroyed


def refuse(message: str) -> Callable[..., Any]:
    """A function that raises ValueError when it is called."""

    def call(*_arguments: Any) -> Any:
        raise ValueError(message)

    return call


def _python_members(cls: type, name: str, is_cxx: Callable[[type], bool]) -> Iterator[type]:
    return (base for base in cls.__mro__ if name in vars(base) and not is_cxx(base))
