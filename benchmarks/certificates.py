"""Certificates of a whole class, from gradebook to files, against the plain ways to make the same PDFs.

    python -m benchmarks.certificates --n 1000 --json

(a) ``qinlian certificate issue``: standings from the gradebook, numbers, signatures, a PDF each, all recorded.
(b) Typst, one process a certificate, as a script around its command would do it: the same layout, words and codes.
(c) Typst in one process, compiled anew for each (``typst.compile``), which reads the fonts each time.
(d) Chromium prints the same words from a page of HTML, one page after the other in a browser that stays open.

(b) to (d) make ``SAMPLE`` certificates of the same people, and their times are multiplied; (a) makes all. None of
them knows the rules, numbers, signs or records: they are given texts that were signed beforehand. Every way runs in a
process of its own, one after the other. ``seconds`` are by the clock, ``processor`` those that a processor worked,
which say the same on a machine that has other work (a browser's are its own processes', and not told).
"""

from __future__ import annotations

import argparse
import html
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from qinlian.core.model import Course, Module, QuizBlock, Track
from qinlian.reports.certificates.issuing import issue, read_standings, write_files
from qinlian.reports.certificates.keys import make_key
from qinlian.reports.certificates.office import Office
from qinlian.reports.certificates.printing import Printer
from qinlian.reports.certificates.statement import COMPLETION, Statement, find_text, sign
from qinlian.reports.certificates.store import CertificateStore, Edition, ModuleLine
from qinlian.reports.certificates.wording import wording_of

SEED = 20261130
SAMPLE = 20
MODULES = 14
NOW = datetime(2026, 11, 30, 2, 0, tzinfo=UTC)
SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜"
NAMES = "晓岚建国文静志远秀英海燕明哲雨桐子涵思源若溪浩然欣怡泽宇梓萱俊杰"
UNITS = tuple(
    f"省开放大学/{a}分校/{b}学习中心" for a in ("青禾", "栖云", "望川") for b in ("临溪", "松风", "白石", "南塘")
)
_SCRIPT = (
    "import json, sys, typst\n"
    "given = json.load(sys.stdin)\n"
    "typst.compile(given['main'], output=given['out'], root=given['root'], font_paths=given['fonts'],"
    " ignore_system_fonts=True, sys_inputs={'data': given['data']}, pdf_standards='a-2u', timestamp=1796000000)\n"
)


def course() -> Course:
    """Fourteen modules of one quiz each, and one track."""
    modules = tuple(
        Module(
            id=f"{n:02d}-m", title=f"第 {n} 讲 廉洁自律", hours=2.0, blocks=(QuizBlock(id=f"q{n}", pool=(), count=1),)
        )
        for n in range(1, MODULES + 1)
    )
    track = Track(name="青年干部", modules=tuple(m.id for m in modules), hours=2.0 * MODULES)
    return Course(id="qinlian", title="勤廉学堂", modules=modules, tracks=(track,))


def people(count: int, seed: int = SEED) -> list[tuple[str, str]]:
    """Name and unit of each, the same for the same seed."""
    chance = random.Random(seed)
    return [
        (chance.choice(SURNAMES) + "".join(chance.sample(NAMES, chance.choice((1, 2, 2)))), chance.choice(UNITS))
        for _ in range(count)
    ]


def classroom(folder: Path, count: int) -> Path:
    """A course's folder whose gradebook holds that many learners, all of whom passed all modules."""
    from sqlalchemy import insert

    from benchmarks.certificates_book import new_gradebook

    root = folder / "repository"
    (root / "course").mkdir(parents=True)
    url = f"sqlite:///{root / 'gradebook.db'}"
    (root / "nbgrader_config.py").write_text(f"c = get_config()\nc.CourseDirectory.db_url = {url!r}\n")
    engine, rows = new_gradebook(url, course(), people(count), NOW)
    with engine.begin() as connection:
        for table, values in rows:
            connection.execute(insert(table), values)
    engine.dispose()
    return root


def _editions(count: int) -> list[Edition]:
    signer = make_key(Path(tempfile.mkdtemp()) / "key")
    lines = tuple(ModuleLine(m.title, "已通过", m.hours, m.hours) for m in course().modules)
    made = []
    for n, (name, unit) in enumerate(people(count), 1):
        said = Statement(
            COMPLETION, f"JY2026-{n:06d}", 1, name, unit, "青年干部", "勤廉学堂", 28.0, 90.0, date(2026, 11, 30)
        )
        made.append(Edition(f"ql{n}", find_text(sign(said, signer.id, signer.key)), lines, NOW))
    return made


def by_us(count: int, folder: Path) -> dict[str, Any]:
    """The command's own work on a class of ``count``."""
    root = classroom(folder, count)
    start, busy = time.perf_counter(), time.process_time()
    office = Office(
        root / "course", root / ".classroom" / "certificates", CertificateStore(f"sqlite:///{root / 'gradebook.db'}")
    )
    found = read_standings(root, course())
    issued = issue(office, COMPLETION, found, NOW)
    numbered = time.perf_counter()
    made = write_files(office, [o.edition for o in issued.outcomes], folder / "out")
    seconds, processor = time.perf_counter() - start, time.process_time() - busy
    assert len(made) == count, (len(made), issued.refused[:3])
    size = sum(path.stat().st_size for path in made)
    about = {"issuing": numbered - start, "made": len(made), "bytes_each": size / count}
    return {"seconds": seconds, "processor": processor} | about


def _prepared(folder: Path) -> tuple[Path, Path, list[str]]:
    """Typst's folder of layout and fonts, and the data of ``SAMPLE`` certificates."""
    printer = Printer(wording_of(folder, COMPLETION), COMPLETION, folder)
    with printer:
        (open_folder,) = Path(tempfile.gettempdir()).glob("qinlian-certificates-*")
        shutil.copytree(open_folder, folder / "typst", symlinks=True)
        data = [printer.data([edition]) for edition in _editions(SAMPLE)]
    return folder / "typst" / "root", folder / "typst" / "fonts", data


def by_processes(count: int, folder: Path) -> dict[str, Any]:
    """One process of Typst a certificate."""
    root, fonts, data = _prepared(folder)
    start, busy = time.perf_counter(), _processor()
    for n, each in enumerate(data):
        given = {"main": str(root / "main.typ"), "root": str(root), "fonts": [str(fonts)], "data": each}
        given["out"] = str(folder / f"{n}.pdf")
        subprocess.run([sys.executable, "-c", _SCRIPT], input=json.dumps(given).encode(), check=True)
    return _times(time.perf_counter() - start, count, _processor() - busy)


def by_compiling(count: int, folder: Path) -> dict[str, Any]:
    """``typst.compile`` once a certificate, in one process."""
    import typst

    root, fonts, data = _prepared(folder)
    start, busy = time.perf_counter(), _processor()
    for n, each in enumerate(data):
        typst.compile(
            str(root / "main.typ"),
            output=str(folder / f"{n}.pdf"),
            root=str(root),
            font_paths=[str(fonts)],
            ignore_system_fonts=True,
            sys_inputs={"data": each},
            pdf_standards="a-2u",
            timestamp=1796000000,
        )
    return _times(time.perf_counter() - start, count, _processor() - busy)


def by_chromium(count: int, folder: Path) -> dict[str, Any]:
    """A browser prints pages."""
    import segno
    from playwright.sync_api import sync_playwright

    executable = shutil.which("chromium") or shutil.which("google-chrome")
    editions = _editions(SAMPLE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        page = browser.new_page()
        start = time.perf_counter()
        for n, edition in enumerate(editions):
            said = edition.statement
            code = segno.make(edition.signed.text, error="m", micro=False, encoding="utf-8").svg_inline(scale=3)
            page.set_content(
                "<style>body{font:20pt 'Noto Serif CJK SC';text-align:center;border:3pt double red;padding:2cm}</style>"
                f"<h1>{said.kind}</h1><p>{html.escape(said.name)}同志：在{html.escape(said.unit)}参加“{said.course}”"
                f"{said.track}培训，修满 {said.hours:g} 学时，成绩 {said.score} 分，准予结业。</p>"
                f"{code}<p>{said.number}</p>"
            )
            page.pdf(path=folder / f"{n}.pdf", landscape=True, format="A4", print_background=True)
        seconds = time.perf_counter() - start
        browser.close()
    return _times(seconds, count)


def _processor() -> float:
    """Seconds of a processor that this process and those it waited for have used."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def _times(seconds: float, count: int, processor: float | None = None) -> dict[str, Any]:
    many = count / SAMPLE
    known = {} if processor is None else {"processor": processor * many}
    return {"seconds": seconds * many} | known | {"sample": SAMPLE, "extrapolated": True}


WAYS = {"a": by_us, "b": by_processes, "c": by_compiling, "d": by_chromium}


def measure(count: int, ways: tuple[str, ...] = tuple(WAYS)) -> dict[str, Any]:
    """Every way in a process of its own, and how many times as long as (a) the others take."""
    found: dict[str, Any] = {}
    for way in ways:
        command = [sys.executable, "-m", "benchmarks.certificates", "--way", way, "--n", str(count)]
        found[way] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    ratios = {f"{way}/a": found[way]["seconds"] / found["a"]["seconds"] for way in ways if way != "a" and "a" in ways}
    return {"n": count, "cpus": os.cpu_count(), "modules": MODULES, "ways": found, "ratios": ratios}


def _one(way: str, count: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        tempfile.tempdir = folder
        found = WAYS[way](count, Path(folder))
        tempfile.tempdir = None
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss if way == "b" else 0
    peak = max(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, children)
    return found | {"megabytes": peak / 1024}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--way", choices=WAYS)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if given.way:
        print(json.dumps(_one(given.way, given.n)))
        return
    found = measure(given.n)
    if given.json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
        return
    for way, report in found["ways"].items():
        note = f"，由 {report['sample']} 份推算" if report.get("extrapolated") else ""
        print(f"({way}) {report['seconds']:.1f} 秒，{report['megabytes']:.0f} MB{note}")


if __name__ == "__main__":
    main()
