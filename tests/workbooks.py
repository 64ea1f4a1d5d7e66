"""Reads an Excel workbook as what it is, XML in a ZIP: what a cell holds, and whether it is a formula or a link."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass
from xml.etree import ElementTree

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@dataclass
class Workbook:
    sheets: dict[str, list[list[str | float | bool | None]]]
    formulas: int
    links: int


def read_workbook(body: bytes) -> Workbook:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    texts = [
        "".join(text.text or "" for text in item.iter(f"{MAIN}t"))
        for item in ElementTree.fromstring(parts["xl/sharedStrings.xml"])
    ]
    names = [sheet.get("name", "") for sheet in ElementTree.fromstring(parts["xl/workbook.xml"]).iter(f"{MAIN}sheet")]
    roots = [ElementTree.fromstring(parts[f"xl/worksheets/sheet{n}.xml"]) for n in range(1, len(names) + 1)]
    return Workbook(
        sheets={name: _rows(root, texts) for name, root in zip(names, roots, strict=True)},
        formulas=sum(len(list(root.iter(f"{MAIN}f"))) for root in roots),
        links=sum(len(list(root.iter(f"{MAIN}hyperlink"))) for root in roots),
    )


def _rows(root: ElementTree.Element, texts: list[str]) -> list[list[str | float | bool | None]]:
    rows = []
    for row in root.iter(f"{MAIN}row"):
        cells: list[str | float | bool | None] = []
        for cell in row.iter(f"{MAIN}c"):
            letters = re.sub(r"\d", "", cell.get("r", ""))
            place = 0
            for letter in letters:
                place = place * 26 + ord(letter) - 64
            cells += [None] * (place - len(cells))
            cells[place - 1] = _value(cell, texts)
        rows.append(cells)
    return rows


def _value(cell: ElementTree.Element, texts: list[str]) -> str | float | bool | None:
    value = cell.find(f"{MAIN}v")
    if value is None or value.text is None:
        return None
    match cell.get("t"):
        case "s":
            return texts[int(value.text)]
        case "b":
            return value.text == "1"
    return float(value.text)
