"""How a widget shows a parameter of a parameter node: which property, which signal, which types."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import qt

PARAMETER_NAME_PROPERTY = "SlicerParameterName"


class _Binding(NamedTuple):
    property: str
    signal: str | None
    types: tuple[type, ...]


_BINDINGS = {
    "QCheckBox": _Binding("checked", "toggled", (bool,)),
    "QPushButton": _Binding("checked", "toggled", (bool,)),
    "QLabel": _Binding("text", None, (str,)),
    "QLineEdit": _Binding("text", "textChanged", (str,)),
    "QTextEdit": _Binding("plainText", "textChanged", (str,)),
    "QSpinBox": _Binding("value", "valueChanged", (int,)),
    "QSlider": _Binding("value", "valueChanged", (int,)),
    "QDoubleSpinBox": _Binding("value", "valueChanged", (float, int)),
    "ctkDoubleSpinBox": _Binding("value", "valueChanged", (float, int)),
    "ctkSliderWidget": _Binding("value", "valueChanged", (float, int)),
    "QComboBox": _Binding(
        "currentIndex", "currentIndexChanged", (str, int, float, bool, enum.Enum)
    ),
    "ctkComboBox": _Binding(
        "currentIndex", "currentIndexChanged", (str, int, float, bool, enum.Enum)
    ),
}


def widgets_by_parameter(gui: Any) -> dict[str, Any]:
    """The widgets that show a parameter, below a widget or among childWidgetVariables."""
    widgets = gui.findChildren(qt.QWidget) if hasattr(gui, "findChildren") else vars(gui).values()
    names = [(widget.property(PARAMETER_NAME_PROPERTY), widget) for widget in widgets]
    return {name: widget for name, widget in names if name}


class GuiConnection:
    """One widget and the parameter that it shows.

    Raises RuntimeError for a widget that cannot show the type, as a real Slicer does.
    """

    def __init__(
        self,
        widget: Any,
        parameter: str,
        parameter_type: type,
        annotations: Sequence[Any],
        store: Callable[[Any], None],
    ) -> None:
        binding = _BINDINGS.get(type(widget).__name__)
        if binding is None or not issubclass(parameter_type, binding.types):
            raise RuntimeError(
                f"Unable to create GUI connector from datatype '{parameter_type}' "
                f"to widget type '{type(widget)}'"
            )
        self.parameter = parameter
        self._widget = widget
        self._binding = binding
        self._type = parameter_type
        self._store = store
        self._choices: list[Any] | None = None
        if binding.property == "currentIndex":
            self._fill_choices(annotations)
        if binding.property == "value":
            self._limit(annotations)

    def start(self) -> None:
        if self._binding.signal:
            getattr(self._widget, self._binding.signal).connect(self._on_changed)

    def stop(self) -> None:
        if self._binding.signal:
            getattr(self._widget, self._binding.signal).disconnect(self._on_changed)

    def show(self, value: Any) -> None:
        if self._choices is not None:
            value = self._choices.index(value)
        if (
            getattr(self._widget, self._binding.property) != value
        ):  # else the text cursor would move
            setattr(self._widget, self._binding.property, value)

    def _on_changed(self) -> None:
        value = getattr(self._widget, self._binding.property)
        self._store(self._type(value) if self._choices is None else self._choices[value])

    def _fill_choices(self, annotations: Sequence[Any]) -> None:
        if issubclass(self._type, enum.Enum):
            label = getattr(self._type, "label", lambda member: member.name)
            self._choices = list(self._type)
            labels = [label(choice) for choice in self._choices]
        else:
            lists = [
                annotation.choices for annotation in annotations if hasattr(annotation, "choices")
            ]
            if not lists:
                raise RuntimeError(
                    f"A combo box for the parameter {self.parameter} needs the annotation Choice"
                )
            self._choices = list(lists[0])
            labels = [str(choice) for choice in self._choices]
        self._widget.clear()
        self._widget.addItems(labels)

    def _limit(self, annotations: Sequence[Any]) -> None:
        lowest, highest = (-(2**31), 2**31 - 1) if self._type is int else (-1e308, 1e308)
        self._widget.minimum = _first(annotations, "minimum", lowest)
        self._widget.maximum = _first(annotations, "maximum", highest)


def _first(annotations: Sequence[Any], name: str, otherwise: Any) -> Any:
    return next(
        (getattr(annotation, name) for annotation in annotations if hasattr(annotation, name)),
        otherwise,
    )
