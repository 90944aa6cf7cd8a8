"""An edition of the DICOM standard for dicom-validator, where dicom.nema.org cannot be reached.

dicom-validator makes its JSON files of the standard's DocBook. The same is in the package
dicom-standard (PyPI, made of PS3.3, PS3.4 and PS3.6 of 2020): this writes it in those files::

    pip download --no-deps dicom-standard && unzip dicom_standard-*.whl -d wheel
    python -m helpers.dicom_standard wheel/dicom_standard-0.1.0.data/data/standard FOLDER

``FOLDER`` is then what IGTLMETA_DICOM_STANDARD names. It has the kinds of objects that are written
here.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from html import unescape
from pathlib import Path
from typing import Any

EDITION = "2020a"
_KINDS = ("segmentation", "comprehensive-3d-sr", "ct-image", "mr-image", "pet-image")
_FUNCTIONAL_GROUPS = "multi-frame-functional-groups"
_TAGS_OF_GROUPS = ("(5200,9229)", "(5200,9230)")
_CONTENT, _CONTENT_SEQUENCE = "sr-document-content", "(0040,A730)"
# Of macros that are included "if and only if" the value type is one of these (PS3.3 C.17.3, Table
# C.17-6): dicom-standard has the attributes of them, but not this condition.
_OF_VALUE_TYPES = {
    "(0008,1199)": "IMAGE, COMPOSITE or WAVEFORM",
    "(0040,A050)": "CONTAINER",
    "(0040,A168)": "CODE",
    "(0040,A300)": "NUM",
    "(0070,0022)": "SCOORD or SCOORD3D",
    "(0070,0023)": "SCOORD or SCOORD3D",
    "(3006,0024)": "SCOORD3D",
    "(0040,A130)": "TCOORD",
}
_ONE_OF_SEVERAL = ("(0040,A132)", "(0040,A138)", "(0040,A13A)")  # of TCOORD, which has one of them
_ENUMERATED = re.compile(
    r"<strong>\s*Enumerated Values(?: for Value (\d))?:?\s*</strong>.*?<dl>(.*?)</dl>", re.DOTALL
)
_TERM = re.compile(r"<dt>\s*<span[^>]*>([^<]+)</span>")
_INTEGERS = ("US", "SS", "UL", "SL", "IS")


def convert(source: Path, target: Path) -> None:
    """Write the files of dicom-validator into ``target`` from dicom-standard's in ``source``."""
    from dicom_validator.spec_reader.condition_parser import ConditionParser
    from dicom_validator.spec_reader.edition_reader import EditionReader

    read = lambda name: json.loads((source / f"{name}.json").read_text("utf-8"))  # noqa: E731
    elements = {
        _tag(entry["id"]): {
            "name": entry["name"],
            "vr": entry["valueRepresentation"],
            "vm": entry["valueMultiplicity"],
            "prop": "RET" if entry["retired"] == "Y" else "",
        }
        for entry in read("attributes")
    }
    parser = ConditionParser(elements)
    objects = _objects(read, parser)
    used = {one["ref"] for object_ in objects.values() for one in object_["modules"].values()}
    groups = {
        one["ref"] for object_ in objects.values() for one in object_["group_macros"].values()
    }
    rows = [row for row in read("module_to_attributes") if row["moduleId"] in used]
    modules = _attributes(rows, "moduleId", elements, parser)
    macros = [row for row in read("macro_to_attributes") if _macro(row["macroId"]) in groups]
    modules |= _attributes(macros, "macroId", elements, parser, _macro)
    _add_references(modules)
    _add_value_types(modules[_CONTENT], parser)
    folder = target / EDITION / "json"
    folder.mkdir(parents=True, exist_ok=True)
    uids = {"SOP Class": {entry["id"]: entry["name"] for entry in read("sops")}}
    for name, content in (
        (EditionReader.iod_info_json, objects),
        (EditionReader.module_info_json, modules),
        (EditionReader.dict_info_json, elements),
        (EditionReader.uid_info_json, uids),
    ):
        (folder / name).write_text(EditionReader.dump_description(content), "utf-8")


def _macro(name: str) -> str:
    """Return what a macro is called here: a module may have the same name."""
    return f"macro-{name}"


def _objects(read: Any, parser: Any) -> dict[str, Any]:
    """Return the modules and functional groups of each kind of object, by its SOP class."""
    kinds = {entry["name"]: entry["id"] for entry in read("ciods") if entry["id"] in _KINDS}
    modules, groups = read("ciod_to_modules"), read("ciod_to_fg_macros")
    return {
        entry["id"]: {
            "title": entry["name"],
            "modules": _uses(modules, kinds[entry["ciod"]], "moduleId", parser),
            "group_macros": _uses(groups, kinds[entry["ciod"]], "macroId", parser, _macro),
        }
        for entry in read("sops")
        if entry["ciod"] in kinds
    }


def _uses(
    rows: Iterable[dict[str, Any]], kind: str, key: str, parser: Any, name: Any = str
) -> dict[str, Any]:
    uses = {}
    for row in rows:
        if row["ciodId"] == kind:
            text = row["conditionalStatement"]
            use = uses[row[key]] = {"ref": name(row[key]), "use": row["usage"]}
            if text:
                use["use"] = f"{row['usage']} - {text}"
                use["cond"] = parser.parse(text)
    return uses


def _attributes(
    rows: Iterable[dict[str, Any]], key: str, elements: Any, parser: Any, name: Any = str
) -> dict[str, Any]:
    """Return the attributes of modules, each with those of its items."""
    modules: dict[str, Any] = {}
    for row in rows:
        *path, last = row["path"].split(":")[1:]
        level = modules.setdefault(name(row[key]), {})
        for part in path:
            level = level[_tag(part)].setdefault("items", {})
        # In an item of content there are several macros with the same sequence (PS3.3 C.17.3).
        level.setdefault(_tag(last), {}).update(
            _attribute(row, elements.get(_tag(last), {}), parser)
        )
    return modules


def _attribute(row: dict[str, Any], element: dict[str, str], parser: Any) -> dict[str, Any]:
    attribute = {"name": element.get("name", row["tag"]), "type": row["type"]}
    if row["type"] in ("1C", "2C", "3"):
        condition = parser.parse(_text(row["description"]))
        if not condition.type.user_defined:
            attribute["cond"] = condition
    if enums := _enumerated(row["description"], element.get("vr", "")):
        attribute["enums"] = enums
    return attribute


def _enumerated(description: str, vr: str) -> list[dict[str, Any]]:
    found = []
    for index, terms in _ENUMERATED.findall(description):
        values: list[Any] = [unescape(term).strip() for term in _TERM.findall(terms)]
        if vr in _INTEGERS:
            values = [int(v[:-1], 16) if v.endswith("H") else int(v) for v in values]
        if values:
            found.append({"val": values, **({"index": int(index)} if index else {})})
    return found


def _add_references(modules: dict[str, Any]) -> None:
    """Add what dicom-validator looks up while it validates: functional groups, nested content."""
    for tag in _TAGS_OF_GROUPS:
        items = modules[_FUNCTIONAL_GROUPS][tag].setdefault("items", {})
        items["include"] = [{"ref": "FuncGroup"}]
    nested = modules[_CONTENT][_CONTENT_SEQUENCE].setdefault("items", {})
    nested["include"] = [{"ref": _CONTENT}]


def _add_value_types(content: dict[str, Any], parser: Any) -> None:
    for level in (content, content[_CONTENT_SEQUENCE]["items"]):
        for tag in _ONE_OF_SEVERAL:
            level.pop(tag, None)
        for tag, values in _OF_VALUE_TYPES.items():
            if tag in level:
                condition = parser.parse(f"Required if Value Type (0040,A040) is {values}.")
                level[tag] |= {"type": "1C", "cond": condition}


def _tag(text: str) -> str:
    return f"({text[:4]},{text[4:]})".upper().replace("XX", "xx")


def _text(description: str) -> str:
    return unescape(re.sub(r"<[^>]+>", "", description.replace("</p>", "\n"))).replace("\xa0", " ")


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
