"""The port's first adapter: the files of the learner's own Jupyter server."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from qinlian.core.files import LESSON_NAME, AnswerFile, LessonFile, ResultFile
from qinlian.errors import StoreError
from qinlian.portal.port import ModuleStanding, Overview, standing_of
from qinlian.quiz.answer_file import AnswerStore
from qinlian.quiz.exchange import Exchange
from qinlian.quiz.state import Standing
from qinlian.quiz.track import TRACK_VARIABLE, choose_track, chosen_track

__all__ = ["NAME_VARIABLE", "Desk"]

NAME_VARIABLE = "QINLIAN_NAME"
"""What the learner is called, where the Hub knows it."""


class Desk:
    """One learner's modules below ``home``, the folder the Jupyter server shows.

    ``find_exchange`` is called until it succeeds once, so that a page mended by an administrator
    works without a restart.
    """

    def __init__(self, home: Path, find_exchange: Callable[[], Exchange] = Exchange.from_environment) -> None:
        self._home = home
        self._find_exchange = find_exchange
        self._found: Exchange | None = None
        self._lessons: dict[str, tuple[tuple[int, int], LessonFile]] = {}
        self._standings: dict[str, Standing] = {}

    @property
    def _exchange(self) -> Exchange:
        if self._found is None:
            self._found = self._find_exchange()
        return self._found

    def overview(self) -> Overview:
        """See Portal."""
        exchange = self._exchange
        lessons: list[LessonFile] = []
        unreadable = []
        for module in exchange.modules():
            try:
                lessons.append(self._released(module))
            except StoreError:
                # One damaged module must not hide the others.
                unreadable.append(module)
        title, subtitle = (lessons[0].course_title, lessons[0].course_subtitle) if lessons else ("", "")
        tracks = {t.name: t for lesson in lessons for t in lesson.tracks}
        fixed = os.environ.get(TRACK_VARIABLE, "")
        chosen = fixed or chosen_track(self._home)
        track = tracks.get(chosen)
        taken = [le for le in lessons if track is None or any(t.name == chosen for t in le.tracks)]
        return Overview(
            title,
            exchange.learner,
            tuple(self._standing(lesson, chosen) for lesson in taken),
            tuple(unreadable),
            subtitle,
            tracks=tuple(tracks),
            track=chosen if track else "",
            track_fixed=bool(fixed) and track is not None,
            required=track.hours if track else None,
            name=os.environ.get(NAME_VARIABLE, ""),
            **_hub_pages(os.environ),
        )

    def choose_track(self, name: str) -> None:
        """See Portal."""
        known = {t.name for module in self._exchange.modules() for t in self._released(module).tracks}
        if name and name not in known:
            raise StoreError("课程里没有这一类培训对象；请回到“我的学习”重新选择")
        choose_track(self._home, name)

    def open(self, module: str) -> str:
        """See Portal."""
        folder = self._folder(module)
        if (folder / LESSON_NAME).is_file():
            self._exchange.refresh(folder, module)
        # Whatever the learner deleted comes back; the first time, that is everything.
        self._exchange.fetch(module, folder)
        return (folder / f"{module}.ipynb").relative_to(self._home).as_posix()

    def answers(self, module: str) -> AnswerFile:
        """See Portal."""
        return self._store(module).read()

    def save(self, module: str, changes: Mapping[str, Any]) -> AnswerFile:
        """See Portal."""
        return self._store(module).save(changes)

    def submit(self, module: str) -> datetime:
        """See Portal."""
        return self._exchange.submit(self._folder(module), module).submitted_at

    def result(self, module: str) -> ResultFile | None:
        """See Portal."""
        found = self._exchange.result(module)
        return found[1] if found else None

    def _folder(self, module: str) -> Path:
        # Only names that are released ever become part of a path.
        if module not in self._exchange.modules():
            raise StoreError("没有找到这个模块，它可能还没有发布，或者已经收回；请回到“我的学习”看看有哪些模块")
        return self._exchange.folder(self._home, module)

    def _store(self, module: str) -> AnswerStore:
        folder = self._folder(module)
        try:
            lesson = LessonFile.model_validate_json((folder / LESSON_NAME).read_bytes())
        except (OSError, ValueError) as error:
            raise StoreError("课程还没有打开过；请回到“我的学习”，从那里打开课程") from error
        return AnswerStore(folder, lesson)

    def _released(self, module: str) -> LessonFile:
        # The page asks every few seconds; a lesson is read again only when it was released anew.
        stamp = self._exchange.lesson_stamp(module)
        if module not in self._lessons or self._lessons[module][0] != stamp:
            lesson = self._exchange.lesson(module)
            quizzes = tuple(b.model_copy(update={"items": ()}) for b in lesson.blocks if b.kind == "quiz")
            self._lessons[module] = (stamp, lesson.model_copy(update={"items": {}, "blocks": quizzes}))
        return self._lessons[module][1]

    def _standing(self, lesson: LessonFile, track: str) -> ModuleStanding:
        module = lesson.module
        folder = self._exchange.folder(self._home, module)
        standing = self._exchange.standing(module, self._standings.get(module))
        self._standings[module] = standing
        current = standing.result is not None and not standing.waiting
        return standing_of(
            lesson,
            opened=(folder / LESSON_NAME).is_file(),
            submitted_at=standing.came,
            result=standing.result,
            current=current,
            again=current and self._exchange.under_way(folder, module),
            refused=standing.refusal.notes if standing.refusal else (),
            track=track,
            due=standing.due,
        )


def _hub_pages(environ: Mapping[str, str]) -> dict[str, str]:
    """The addresses of the Hub's own pages, where a Hub started this server."""
    if "JUPYTERHUB_BASE_URL" not in environ:
        return {}
    hub = f"{environ.get('JUPYTERHUB_HOST', '')}{environ['JUPYTERHUB_BASE_URL']}hub/"
    return {"account": f"{hub}home", "leave": f"{hub}logout"}
