"""Stand-in for slicer.parameterNodeWrapper: typed attributes, kept in a node and shown in widgets.

The node is a vtkMRMLScriptedModuleNode. Types: str, int, float, bool, enum.Enum and MRML node
classes, plain or in `typing.Annotated` with `Default` and the validators below. A real Slicer has
more types (lists, dicts, unions, packs, ranges, paths) and more widgets.
"""

from __future__ import annotations

import enum
import typing
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

import slicer

from slicerhost.parameter_gui import GuiConnection, widgets_by_parameter

__all__ = ["Choice", "Default", "Maximum", "Minimum", "WithinRange", "parameterNodeWrapper"]


class Validator(Protocol):
    def validate(self, value: Any) -> None:
        """Raise ValueError if the value is not allowed."""


@dataclass
class WithinRange:
    minimum: float
    maximum: float

    def validate(self, value: Any) -> None:
        if not self.minimum <= value <= self.maximum:
            raise ValueError(
                f"Value must be within range [{self.minimum}, {self.maximum}], is {value}"
            )


@dataclass
class Minimum:
    minimum: float

    def validate(self, value: Any) -> None:
        if value < self.minimum:
            raise ValueError(f"Value must be greater than {self.minimum}, is {value}")


@dataclass
class Maximum:
    maximum: float

    def validate(self, value: Any) -> None:
        if value > self.maximum:
            raise ValueError(f"Value must not be greater than {self.maximum}, is {value}")


@dataclass
class Choice:
    choices: list[Any]

    def validate(self, value: Any) -> None:
        if value not in self.choices:
            raise ValueError(
                f"Value is {value}, but must be in one of the following: {self.choices}"
            )


@dataclass
class Default:
    value: Any


@dataclass
class Parameter:
    """One attribute of a wrapper: how it is checked, and how it is kept in the node."""

    name: str
    type: type
    default: Any
    annotations: list[Any] = field(default_factory=list)

    @property
    def is_node(self) -> bool:
        return issubclass(self.type, slicer.vtkMRMLNode)

    def read(self, node: slicer.vtkMRMLScriptedModuleNode) -> Any:
        if self.is_node:
            return node.GetNodeReference(self.name)
        if not node.HasParameter(self.name):
            self.write(node, self.default)
        text = node.GetParameter(self.name)
        if self.type is bool:
            return text == "True"
        return self.type[text] if issubclass(self.type, enum.Enum) else self.type(text)

    def write(self, node: slicer.vtkMRMLScriptedModuleNode, value: Any) -> None:
        self._check(value)
        if self.is_node:
            node.SetParameter(self.name, "")
            node.SetNodeReferenceID(self.name, value.GetID() if value is not None else None)
        else:
            node.SetParameter(self.name, value.name if isinstance(value, enum.Enum) else str(value))

    def _check(self, value: Any) -> None:
        allowed = (int, float) if self.type is float else self.type
        if value is None and not self.is_node:
            raise ValueError("Value must not be None")
        if value is not None and not isinstance(value, allowed):
            raise TypeError(
                f"Value must be of type '{allowed}', is type '{type(value)}' value '{value}'"
            )
        for annotation in self.annotations:
            annotation.validate(value)


class _Wrapper:
    """What a decorated class can do, besides having its attributes."""

    _parameters: dict[str, Parameter]

    def __init__(self, parameterNode: slicer.vtkMRMLScriptedModuleNode) -> None:
        self.parameterNode = parameterNode
        self._connections: dict[int, list[GuiConnection]] = {}
        self._updating_gui = False
        for name, parameter in self._parameters.items():
            if not parameterNode.HasParameter(name):
                parameter.write(parameterNode, parameter.default)

    def getValue(self, name: str) -> Any:
        return self._parameters[name].read(self.parameterNode)

    def setValue(self, name: str, value: Any) -> None:
        self._parameters[name].write(self.parameterNode, value)

    def connectGui(self, gui: Any) -> int:
        """Tie each widget that has the property SlicerParameterName to it; returns a tag."""
        connections = [
            self._connection(widget, name) for name, widget in widgets_by_parameter(gui).items()
        ]
        observer = self.AddObserver("ModifiedEvent", lambda caller, event: self._show(connections))
        self._show(connections)
        for connection in connections:
            connection.start()
        self._connections[observer] = connections
        return observer

    def disconnectGui(self, tag: int) -> None:
        self.RemoveObserver(tag)
        for connection in self._connections.pop(tag):
            connection.stop()

    def _connection(self, widget: Any, name: str) -> GuiConnection:
        if name not in self._parameters:
            raise ValueError(
                f"There is no parameter {name}, there are: {', '.join(self._parameters)}"
            )

        def store(value: Any) -> None:
            if not self._updating_gui:
                self.setValue(name, value)

        parameter = self._parameters[name]
        return GuiConnection(widget, name, parameter.type, parameter.annotations, store)

    def _show(self, connections: Iterable[GuiConnection]) -> None:
        if self._updating_gui:
            return
        self._updating_gui = True
        try:
            for connection in connections:
                connection.show(self.getValue(connection.parameter))
        finally:
            self._updating_gui = False

    def StartModify(self) -> int:
        return self.parameterNode.StartModify()

    def EndModify(self, wasModified: int) -> None:
        self.parameterNode.EndModify(wasModified)

    def Modified(self) -> None:
        self.parameterNode.Modified()

    def AddObserver(self, event: Any, callback: Callable[..., None], priority: float = 0.0) -> int:
        return self.parameterNode.AddObserver(event, callback, priority)

    def RemoveObserver(self, tag: int) -> None:
        self.parameterNode.RemoveObserver(tag)


def parameterNodeWrapper(cls: type | None = None) -> Any:
    """Class decorator: annotated attributes become parameters; instances wrap a node."""
    if cls is None:  # @parameterNodeWrapper()
        return parameterNodeWrapper
    hints = typing.get_type_hints(cls, include_extras=True)
    parameters = {name: _parameter(cls, name, hint) for name, hint in hints.items()}
    members = {name: _attribute(name) for name in parameters}
    module = {"__module__": cls.__module__, "__doc__": cls.__doc__, "_parameters": parameters}
    return type(cls.__name__, (_Wrapper, cls), members | module)


def _parameter(cls: type, name: str, hint: Any) -> Parameter:
    parameter_type, *annotations = (
        typing.get_args(hint) if typing.get_origin(hint) is typing.Annotated else (hint,)
    )
    known = (str, int, float, bool, enum.Enum, slicer.vtkMRMLNode)
    if not isinstance(parameter_type, type) or not issubclass(parameter_type, known):
        raise NotImplementedError(
            f"slicerhost keeps no parameter of type {hint} ({cls.__name__}.{name})"
        )
    defaults = [annotation.value for annotation in annotations if isinstance(annotation, Default)]
    default = getattr(cls, name, defaults[0] if defaults else _default(parameter_type))
    checks = [annotation for annotation in annotations if not isinstance(annotation, Default)]
    return Parameter(name, parameter_type, default, checks)


def _default(parameter_type: type) -> Any:
    if issubclass(parameter_type, slicer.vtkMRMLNode):
        return None
    return next(iter(parameter_type)) if issubclass(parameter_type, enum.Enum) else parameter_type()


def _attribute(name: str) -> property:
    return property(
        lambda self: self.getValue(name), lambda self, value: self.setValue(name, value)
    )
