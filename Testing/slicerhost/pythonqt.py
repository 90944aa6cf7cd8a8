"""PySide6 with the manners of PythonQt: makes the module `qt` that Slicer's Python code imports.

PythonQt, the binding inside Slicer, shows Qt's properties as attributes (`label.text = "a"`), keeps
the methods beside them (`label.setText("a")`, `button.isEnabled()`), lets a signal be called, has
enums that are ints and refuses attributes that Qt's own objects do not have. PySide6 comes close
with its feature `true_property`; the rest is added here, to all classes alike where possible.

All of this holds for the whole process: module code needs no `__feature__` import, and tests read
the same `label.text` as the code that they test.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from slicerhost import pythonqt_lifetime, pythonqt_truth

# PySide6 reads this option when it is imported for the first time: 1 = Python's enums, 2 = all of
# them made from IntEnum and IntFlag, as `int(qt.Qt.Checked)` and `int(order)` need.
_PYTHON_ENUMS_THAT_ARE_INTS = 0x03
_ALREADY_IMPORTED = (
    "PySide6 was imported before slicerhost and has made enums that are no ints. "
    "Import slicerhost first, for instance in conftest.py."
)

MARK_OF_CXX_STAND_INS = "_stands_in_for_a_cxx_class"

_loading_ui = False


def prepare() -> None:
    """Set the options that PySide6 reads when it is imported for the first time."""
    sys.pyside6_option_python_enum = _PYTHON_ENUMS_THAT_ARE_INTS  # type: ignore[attr-defined]


def install() -> ModuleType:
    """Give PySide6 the manners of PythonQt, once, and return the module `qt`, now in sys.modules.

    Raises RuntimeError if PySide6 had been imported before `prepare()`.
    """
    if "qt" in sys.modules:
        return sys.modules["qt"]
    from PySide6 import QtCore, QtGui, QtNetwork, QtUiTools, QtWidgets

    if not isinstance(QtCore.Qt.SortOrder.AscendingOrder, int):
        raise RuntimeError(_ALREADY_IMPORTED)
    names: dict[str, Any] = {}
    for module in (QtCore, QtGui, QtNetwork, QtWidgets, QtUiTools):
        names |= {name: getattr(module, name) for name in dir(module) if name.startswith("Q")}

    methods = {cls: dict(vars(cls)) for cls in names.values() if _is_a(cls, QtCore.QObject)}
    _show_properties_as_attributes()
    _bring_back_methods(methods)
    _refuse_new_attributes(methods)
    _adapt_single_members(QtCore, QtGui, QtWidgets)
    pythonqt_lifetime.install(QtCore, _is_cxx)
    pythonqt_truth.install(cls for cls in names.values() if isinstance(cls, type(QtCore.QObject)))

    qt = ModuleType("qt", __doc__)
    vars(qt).update(names)
    sys.modules["qt"] = qt
    return qt


@contextmanager
def loading_ui() -> Iterator[None]:
    """While a .ui file is loaded, the widgets in it do not become attributes of the topmost one."""
    global _loading_ui
    _loading_ui = True
    try:
        yield
    finally:
        _loading_ui = False


def stands_in_for_cxx(cls: type) -> type:
    """Class decorator: instances refuse new attributes, as those of a class wrapped from C++ do."""
    setattr(cls, MARK_OF_CXX_STAND_INS, True)
    return cls


def _is_a(value: Any, base: type) -> bool:
    return isinstance(value, type) and issubclass(value, base)


def _show_properties_as_attributes() -> None:
    """Switch `true_property` on for every Python module, those yet to be imported included.

    shibokensupport keeps a number for each module: its features, or -1 for "whatever was in force
    before". With one module at true_property and all others at -1, nothing ever switches it off.
    """
    from shibokensupport import feature

    # Otherwise a module whose source contains "PySide6" gets 0, no features, when it is imported.
    feature._mod_uses_pyside = lambda module: False
    for module_name in feature.pyside_feature_dict:
        feature.pyside_feature_dict[module_name] = -1
    feature.set_selection(feature.true_property, __name__)


def _bring_back_methods(methods: Mapping[type, Mapping[str, Any]]) -> None:
    """Add the methods that true_property took away, save those named like their property."""
    for cls, members in methods.items():
        for name in members.keys() - vars(cls).keys():
            setattr(cls, name, members[name])


def _refuse_new_attributes(classes: Iterable[type]) -> None:
    # Each class by itself: a change of QObject does not reach the classes derived from it.
    for cls in classes:
        cls.__setattr__ = _set_attribute  # type: ignore[method-assign, assignment]


def _set_attribute(self: Any, name: str, value: Any) -> None:
    core = sys.modules["PySide6.QtCore"]  # an import statement for each attribute takes long
    if _loading_ui and getattr(value, "objectName", None) == name:
        return  # a habit of PySide6's QUiLoader that Slicer's does not have
    cls = type(self)
    member = getattr(cls, name, None)
    if hasattr(type(member), "__set__"):
        member.__set__(self, value)
    elif isinstance(member, core.Property):
        self.setProperty(name, value)
    elif isinstance(value, core.SignalInstance):  # PySide6 keeps it where it was asked for first
        vars(self)[name] = value
        pythonqt_lifetime.note_signal(self, name, value)
    elif not _is_cxx(cls) or name.startswith("__"):
        vars(self)[name] = value
    elif member is None:
        raise AttributeError(
            f"'{name}' does not exist on {cls.__name__} "
            "and creating new attributes on C++ objects is not allowed"
        )
    else:
        raise AttributeError(f"Slot '{name}' can not be overwritten on {cls.__name__} object")


def _is_cxx(cls: type) -> bool:
    return cls.__module__.startswith("PySide6.") or MARK_OF_CXX_STAND_INS in vars(cls)


def _adapt_single_members(QtCore: ModuleType, QtGui: ModuleType, QtWidgets: ModuleType) -> None:
    """The few members that differ one by one."""
    settings_value = QtCore.QSettings.value
    tool_tip = QtWidgets.QWidget.toolTip

    def value(self: Any, key: str, default: Any = None) -> Any:
        stored = settings_value(self, key, default)
        return tuple(stored) if isinstance(stored, list) else stored

    def set_tool_tip(self: Any, text: str) -> None:
        # Slicer makes tool tips rich text, so that long ones are wrapped.
        tool_tip.fset(
            self, text if not text or QtGui.Qt.mightBeRichText(text) else f"<p>{text}</p>"
        )

    for event in (cls for cls in vars(QtGui).values() if _is_a(cls, QtCore.QEvent)):
        event.__repr__ = object.__repr__  # says nothing of keys, buttons and places
        for name, member in list(vars(event).items()):
            if isinstance(member, property):  # in Qt 6 only, as of the wheel's events
                setattr(event, name, member.fget)
    QtCore.QObject.name = QtCore.QObject.objectName
    # Not by metaObject(): PySide frees the one of a Python class when a slot is added to it,
    # and then takes whatever Qt puts at that address for it (a header was a QMetaObject).
    QtCore.QObject.className = lambda self: type(self).__name__
    QtCore.QSettings.value = value
    QtWidgets.QWidget.toolTip = property(tool_tip.fget, set_tool_tip)
    QtWidgets.QWidget.setToolTip = set_tool_tip
    QtCore.SignalInstance.__call__ = lambda self, *arguments: self.emit(*arguments)
