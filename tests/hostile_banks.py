"""What the tests of strangers' question banks share: making a file, importing it, and what is said of it."""

from __future__ import annotations

import zipfile
from pathlib import Path

from qinlian.authoring.interchange.bring import bring
from qinlian.authoring.interchange.gate import open_bank
from qinlian.authoring.sheets import open_workbook
from qinlian.core.diagnostics import Diagnostic
from tests.interchange_items import course_of


def put(folder: Path, data: bytes, name: str = "题库.xml") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def zipped(folder: Path, files: dict[str, bytes], name: str = "题库.zip") -> Path:
    path = folder / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for inside, data in files.items():
            archive.writestr(inside, data)
    return path


def told(path: Path) -> tuple[Diagnostic, ...]:
    """What an import of the file says, the course being an empty one."""
    bank, problems = open_bank(path)
    if bank is None:
        return problems
    if bank.format == "xlsx":
        return open_workbook(path)[1]
    return bring(bank, path.name, course_of(), {}, "LZ-02").diagnostics


def codes(path: Path) -> list[str]:
    return [d.code for d in told(path)]


def manifest(*names: str) -> bytes:
    """A manifest that lists those items."""
    listed = "".join(f'<resource type="imsqti_item_xmlv2p1" href="{name}"/>' for name in names)
    return f"<manifest><resources>{listed}</resources></manifest>".encode()
