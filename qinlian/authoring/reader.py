"""The whole course: read every file, collect every problem, build the model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from qinlian.authoring.cases import PlacedCase, parse_cases
from qinlian.authoring.certificates import wording_problems
from qinlian.authoring.commentbank import COMMENTS_NAME, parse_comments
from qinlian.authoring.coursefile import LOCAL, MODULES, CourseFrame, ModuleEntry, parse_course, parse_local
from qinlian.authoring.duties import Catalogue, parse_duties
from qinlian.authoring.embeds import Stretch
from qinlian.authoring.interchange.drafts import drafts_of
from qinlian.authoring.lessons import Lesson, Resolved, Stock, parse_lesson, resolve
from qinlian.authoring.lint import lint_items
from qinlian.authoring.meaning import check_citations, check_item, check_unique
from qinlian.authoring.placed import Placed
from qinlian.authoring.questions import Questions, parse_questions
from qinlian.authoring.rulebook import Rulebook, parse_rules
from qinlian.authoring.secret import HINT, SECRET_NAME, read_secret, secret_problem
from qinlian.authoring.textfile import Place, TextFile, display_name, nearest, read_text
from qinlian.core.diagnostics import Diagnostic, has_errors, ordered
from qinlian.core.identity import Identity
from qinlian.core.model import Course, Document, Module, QuizBlock, Track
from qinlian.errors import CourseError

__all__ = ["load_course", "read_course"]


@dataclass(frozen=True)
class _ModuleText:
    """One module's files, read but not yet seen in the light of the whole course."""

    entry: ModuleEntry
    module: Module
    items: tuple[Placed, ...]
    cases: tuple[PlacedCase, ...]
    lesson: Lesson | None
    resolved: Resolved | None
    broken: frozenset[str]


def read_course(course_dir: Path) -> tuple[Course | None, tuple[Diagnostic, ...]]:
    """Read ``course_dir`` completely.

    Returns the course, or None when there are errors, and every problem of every file at once, in
    order of file and place. Files are named from the course folder's own name on.
    """
    reader = _Reader(course_dir.resolve())
    course = reader.read()
    found = ordered(reader.problems)
    return (None if has_errors(found) else course), found


def load_course(course_dir: Path) -> Course:
    """The course. Raises CourseError, which carries all diagnostics, when it has errors."""
    course, found = read_course(course_dir)
    if course is None:
        errors = [d for d in found if d.is_error]
        first = "\n".join(f"  {d}" for d in errors[:5])
        more = f"\n  ……另有 {len(errors) - 5} 处" if len(errors) > 5 else ""
        raise CourseError(f"课程有 {len(errors)} 处错误，改好以后再试：\n{first}{more}", found)
    return course


class _Reader:
    """Reads one course folder; ``problems`` grows as it goes."""

    def __init__(self, course_dir: Path) -> None:
        self.dir = course_dir
        self.problems: list[Diagnostic] = []

    def text(self, *parts: str, required: bool = True) -> TextFile | None:
        path = self.dir.joinpath(*parts)
        if not required and not path.exists():
            return None
        parsed, problems = read_text(path, display_name(self.dir, path))
        self.problems += problems
        return parsed

    def read(self) -> Course | None:
        if not self.dir.is_dir():
            self.problems.append(Place(self.dir.name).says("E101", "找不到课程文件夹", "在课程所在的文件夹里运行"))
            return None
        if reason := secret_problem(self.dir):
            self.problems.append(Place(f"{self.dir.name}/{SECRET_NAME}").says("E109", reason, HINT))
        rules = self.rules()
        duties = self.duties(rules)
        parsed = self.text("course.yaml")
        frame, problems = parse_course(parsed) if parsed else (None, [])
        self.problems += problems
        frame = self.local(frame) if frame else None
        modules = [self.module(entry, duties) for entry in frame.modules] if frame else []
        modules = [self.resolved(text, modules, frame) for text in modules] if frame else []
        self.strays(frame)
        self.drafts()
        self.problems += check_unique(_ids(modules))
        if frame:
            self.emphasis(frame, modules)
        for text in modules:
            self.judge(text, rules)
            self.audiences(text, [t.name for t in frame.tracks] if frame else [])
        self.comments(modules)
        self.problems += wording_problems(self.dir)
        if frame is None or has_errors(self.problems):
            return None
        return Course(
            id=frame.id,
            title=frame.title,
            subtitle=frame.subtitle,
            pass_mark=frame.pass_mark,
            rules=frame.rules,
            modules=tuple(m.module for m in modules),
            tracks=tuple(_with_hours(track, frame) for track in frame.tracks),
            documents=rules.documents,
        )

    def rules(self) -> Rulebook:
        documents: list[Document] = []
        places: dict[int, Place] = {}
        for path in sorted((self.dir / "rules").glob("*.yaml")):
            parsed = self.text("rules", path.name)
            if parsed is None:
                continue
            document, place, problems = parse_rules(parsed)
            self.problems += problems
            if document:
                documents.append(document)
                places[id(document)] = place
        rules = Rulebook(tuple(documents))
        for document, reason in rules.ambiguous():
            self.problems.append(places[id(document)].says("E506", reason, "给旧版本写上“失效”，或改掉重复的名称"))
        return rules

    def local(self, frame: CourseFrame) -> CourseFrame:
        """The frame with the modules that a branch has put into course/local/."""
        for path in sorted((self.dir / LOCAL).glob("*/")):
            parsed = self.text(LOCAL, path.name, "module.yaml")
            if parsed:
                frame, problems = parse_local(path.name, parsed, frame)
                self.problems += problems
        return frame

    def duties(self, rules: Rulebook) -> Catalogue:
        posts = []
        for path in sorted((self.dir / "duties").glob("*.yaml")):
            parsed = self.text("duties", path.name)
            if parsed is None:
                continue
            post, problems = parse_duties(parsed)
            self.problems += problems
            for line in parsed.lines:
                self.problems += rules.mentioned(line.text, line.at(), old_allowed=False)
            if post:
                posts.append(post)
        catalogue = Catalogue(posts)
        self.problems += catalogue.problems()
        return catalogue

    def module(self, entry: ModuleEntry, duties: Catalogue) -> _ModuleText:
        """One module's files as they stand; what its lesson embeds is looked up afterwards."""
        questions = self.text(entry.base, entry.id, "questions.md")
        found = parse_questions(questions) if questions else Questions((), frozenset(), ())
        cases_text = self.text(entry.base, entry.id, "cases.md", required=False)
        cases, lost_cases, case_problems = parse_cases(cases_text) if cases_text else ((), frozenset[str](), ())
        lesson_text = self.text(entry.base, entry.id, "lesson.md")
        filled = [duties.fill(placed) for placed in found.items]
        items = tuple(placed for placed, _ in filled)
        self.problems += [*found.diagnostics, *case_problems, *(p for _, problems in filled for p in problems)]
        lesson = None
        broken = found.broken | lost_cases | (frozenset({"questions.md"}) if questions is None else frozenset())
        if lesson_text:
            lesson, lesson_problems = parse_lesson(lesson_text)
            self.problems += lesson_problems
        module = Module(
            id=entry.id,
            title=entry.title,
            hours=entry.hours,
            due=entry.due,
            objectives=lesson.objectives if lesson else (),
            items=tuple(p.item for p in items),
            cases=tuple(c.case for c in cases),
        )
        return _ModuleText(entry, module, items, cases, lesson, None, broken)

    def resolved(self, text: _ModuleText, modules: list[_ModuleText], frame: CourseFrame) -> _ModuleText:
        """The module with its blocks, and with the items of others that a quiz of its own draws from."""
        if text.lesson is None:
            return text
        others = {p.item.id: (place, p) for place, m in enumerate(modules) if m is not text for p in m.items}
        stock = Stock(text.items, text.cases, text.broken, frame.pass_mark, tuple(p for _, p in others.values()))
        resolved = resolve(text.lesson, stock)
        self.problems += resolved.problems
        borrowed = (others[i] for i in resolved.borrowed)
        # Such a quiz is balanced over the modules, as every other is over the difficulties.
        items = (*text.module.items, *(p.item.model_copy(update={"stratum": n}) for n, p in borrowed))
        blocks = tuple(_for_tracks(b, frame) if isinstance(b, QuizBlock) and b.whole else b for b in resolved.blocks)
        module = text.module.model_copy(update={"blocks": blocks, "items": items})
        return replace(text, module=module, resolved=resolved)

    def comments(self, modules: list[_ModuleText]) -> None:
        """The comments for reflections; only their reader uses them, so the course does not hold them."""
        parsed = self.text(COMMENTS_NAME, required=False)
        if parsed is None:
            return
        bank, problems = parse_comments(parsed)
        reflections = [p.item for m in modules for p in m.items if p.item.use == "心得"]
        self.problems += [*problems, *bank.problems(reflections, any(m.broken for m in modules))]

    def strays(self, frame: CourseFrame | None) -> None:
        """Folders under modules/ that course.yaml does not list."""
        listed = [m.id for m in frame.modules] if frame else []
        for path in sorted((self.dir / MODULES).glob("*/")) if frame else ():
            if path.name not in listed and (path / "lesson.md").exists():
                place = Place(f"{self.dir.name}/modules/{path.name}")
                hint = "在 course.yaml 的模块里列出它，或移走这个文件夹"
                self.problems.append(place.says("W613", f"模块 {path.name} 没有列入课程", hint))

    def audiences(self, text: _ModuleText, tracks: list[str]) -> None:
        """E313: 对象 that course.yaml does not know."""
        named = [(p.item.audience, p.at("对象")) for p in text.items]
        named += [(c.case.audience, c.audience_place) for c in text.cases]
        for names, place in named:
            for name in names:
                if name not in tracks:
                    hint = nearest(name, tracks) or "先在 course.yaml 的培训对象里写上"
                    self.problems.append(place.says("E313", f"没有培训对象“{name}”", hint))

    def emphasis(self, frame: CourseFrame, modules: list[_ModuleText]) -> None:
        """E107: cases that a track emphasises, and that none of its modules has."""
        for track, place in frame.case_places:
            there = {c.case.id for m in modules if m.module.id in track.modules for c in m.cases}
            for case in track.cases:
                if case not in there:
                    hint = nearest(case, there, listed=False) or "核对案例的编号，或把它所在的模块列进来"
                    self.problems.append(place.says("E107", f"{track.name}的模块里没有案例 {case}", hint))

    def drafts(self) -> None:
        """W615: questions that came from elsewhere and still wait for their author."""
        for path in drafts_of(self.dir):
            name = display_name(self.dir, path)
            parsed, problems = read_text(path, name)
            waiting = parse_questions(parsed).items if parsed else ()
            place = waiting[0].at() if waiting else Place(name)
            what = f"还有 {len(waiting)} 道题没有写全" if parsed else problems[0].message
            self.problems.append(place.says("W615", what, f"补好后运行 qinlian import {name}"))

    def judge(self, text: _ModuleText, rules: Rulebook) -> None:
        """Everything that is said of a module once it has been read."""
        for placed in text.items:
            self.problems += check_item(placed)
            self.problems += check_citations(placed, rules)
        stretches = [p for p in text.lesson.parts if isinstance(p, Stretch)] if text.lesson else []
        stretches += [p for c in text.cases for p in c.prose]
        for stretch in stretches:
            for line in stretch.lines:
                self.problems += rules.mentioned(line.text, line.at(), old_allowed=True)
        for line in text.lesson.objective_lines if text.lesson else ():
            self.problems += rules.mentioned(line.text, line.at(), old_allowed=True)
        identity = None if secret_problem(self.dir) else Identity(read_secret(self.dir))
        self.problems += lint_items(text.items, identity)
        self.problems += _unused(text)
        self.problems += _frame(text)


def _for_tracks(quiz: QuizBlock, frame: CourseFrame) -> QuizBlock:
    """The quiz over all modules, knowing which of them each track takes."""
    places = {m.id: n for n, m in enumerate(frame.modules)}
    tracks = tuple((t.name, tuple(places[m] for m in t.modules if m in places)) for t in frame.tracks)
    return quiz.model_copy(update={"tracks": tracks})


def _with_hours(track: Track, frame: CourseFrame) -> Track:
    """The track with the hours it needs: those of all its modules, unless it says otherwise."""
    if track.hours:
        return track
    return track.model_copy(update={"hours": sum(m.hours for m in frame.modules if m.id in track.modules)})


def _ids(modules: list[_ModuleText]) -> Iterator[tuple[str, Place]]:
    """All that carries an id: items, the cells of rubrics, cases, quizzes."""
    for text in modules:
        for placed in text.items:
            yield placed.item.id, placed.at()
            if placed.item.use == "心得":
                yield f"{placed.item.id}-rubric", placed.at()
        for case in text.cases:
            yield case.case.id, case.place
        yield from text.resolved.quizzes if text.resolved else ()


def _unused(text: _ModuleText) -> Iterator[Diagnostic]:
    """W601: written, but nothing in the lesson leads to it."""
    if text.resolved is None or text.broken:
        return
    for placed in text.items:
        if placed.item.id not in text.resolved.used:
            how = {"练习": "{{题 …}} 或 {{练习 …}}", "测验": "{{测验 …}}", "心得": "{{心得 …}}"}[placed.item.use]
            yield placed.at().says("W601", f"{placed.item.id} 没有用到", f"在课文里用 {how} 放进去，或删掉它")
    for case in text.cases:
        if case.case.id not in text.resolved.used:
            yield case.place.says("W601", f"案例 {case.case.id} 没有用到", "在课文里用 {{案例 …}} 放进去，或删掉它")


def _frame(text: _ModuleText) -> Iterator[Diagnostic]:
    """W614: the lesson's title and objectives."""
    if text.lesson is None:
        return
    if text.lesson.title and text.lesson.title != text.entry.title:
        message = f"课文标题“{text.lesson.title}”和 course.yaml 里的“{text.entry.title}”不一样"
        yield text.lesson.title_place.says("W614", message, "改成一样")
    if not text.lesson.objectives:
        yield text.lesson.title_place.says("W614", "没有写学习目标", "在标题下面写 学习目标：，每条以 - 开头")
