"""All certificates that were given, as a table."""

from __future__ import annotations

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from qinlian.core.width import printable
from qinlian.core.zone import BEIJING
from qinlian.reports.certificates.store import CertificateStore

__all__ = ["COLUMNS", "certificate_table", "print_certificates"]

COLUMNS = ("编号", "证书", "版", "姓名", "单位", "培训对象", "学时", "成绩", "日期", "状态", "撤销日期", "原因")
_SHOWN = ("编号", "证书", "版", "姓名", "单位", "日期", "状态")


def certificate_table(store: CertificateStore) -> pd.DataFrame:
    """One row an edition, by number and version, with ``COLUMNS``; 状态 is 有效, 已撤销 or 有新版."""
    gone = {(r.number, version): r for r in reversed(store.revocations()) for version in range(1, r.version + 1)}
    editions = store.editions()
    newest = {edition.statement.number: edition.statement.version for edition in editions}
    rows = []
    for edition in editions:
        said = edition.statement
        revocation = gone.get((said.number, said.version))
        state = "已撤销" if revocation else "有效" if said.version == newest[said.number] else "有新版"
        told = (said.number, said.kind, said.version, said.name, said.unit, said.track, said.hours, said.score)
        when = revocation.revoked_at.astimezone(BEIJING).date().isoformat() if revocation else ""
        rows.append((*told, said.day.isoformat(), state, when, revocation.why if revocation else ""))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.astype({"版": "int64", "学时": "float64", "成绩": "float64"})


def print_certificates(table: pd.DataFrame, console: Console | None = None) -> None:
    """Print the table to the terminal; nothing in a name is taken as markup."""
    shown = Table(title=f"发过的证书（{table['编号'].nunique()} 份）")
    for column in _SHOWN:
        shown.add_column(column, overflow="fold")
    for row in table[list(_SHOWN)].itertuples(index=False, name=None):
        shown.add_row(*(Text(printable(str(value))) for value in row))
    (console or Console()).print(shown)
