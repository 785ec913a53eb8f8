"""A learner's free text in formgrader and on the feedback page: it is read, and nothing in it works."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from nbconvert.exporters import HTMLExporter
from traitlets.config import Config

from qinlian.core.files import Answer, AnswerFile
from qinlian.grading.editions import edition_of
from qinlian.grading.explain import explain
from qinlian.grading.grades import SubmissionGrade
from qinlian.grading.plaintext import markdown_cell, tidy_text
from qinlian.grading.score import grade
from tests.sample import COURSE, IDS, MODULE
from tests.unit.grading_learner import START, Learner

HOSTILE = [
    "<script>alert(1)</script>",
    "</pre><script>alert(1)</script>",
    "</pre>\n\n<img src=x onerror=alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "[看这里](javascript:alert(1))",
    "![图](http://evil.example/x.png)",
    "<http://evil.example> http://evil.example",
    "[a]: javascript:alert(1)\n\n[a]",
    "$\\href{javascript:alert(1)}{x}$ $$y$$ \\(z\\) \\[w\\]",
    "\\begin{equation}\\href{javascript:alert(1)}{x}\\end{equation}",
    "&lt;script&gt;alert(1)&lt;/script&gt; &#60;script&#62;",
    "段一\n\n段二\n\n    缩进\n\n```html\n<b>x</b>\n```\n\n- 列表\n> 引用\n# 标题",
    "{{ 7 * 7 }} {% raw %} ${7*7} #{7*7}",
    '=HYPERLINK("http://evil.example")',
    "attachment:x.png <img src='attachment:x.png'>",
    "<!-- <div> --> <![CDATA[ x ]]> <?php x ?>",
    "<style>body{display:none}</style><svg onload=alert(1)>",
    "一行\u2028二行\x0b三行\x85四行",
    "@@qinlian html 90-exam@@",
    "a" * 5000,
]


class _Page(HTMLParser):
    """Tags with attributes, and the text, of what stands between two marks."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def rendered_between(page: str) -> _Page:
    inside = page.split("前面的话", 1)[1].split("后面的话", 1)[0]
    parser = _Page()
    # The two prose cells around it leave half of their own markup behind.
    parser.feed(inside)
    return parser


def notebook(text: str) -> nbformat.NotebookNode:
    metadata = {
        "nbgrader": {
            "schema_version": 3,
            "grade": True,
            "solution": True,
            "locked": False,
            "task": False,
            "points": 20,
            "grade_id": "LZ-90-R1",
        }
    }
    cells = [
        nbformat.v4.new_markdown_cell("前面的话", id="before"),
        nbformat.v4.new_markdown_cell(markdown_cell(text), id="answer", metadata=metadata),
        nbformat.v4.new_markdown_cell("后面的话", id="after"),
    ]
    return nbformat.v4.new_notebook(cells=cells)


def plain_exporter() -> HTMLExporter:
    return HTMLExporter(template_name="classic")


def formgrader_exporter() -> HTMLExporter:
    import nbgrader.server_extensions.formgrader as formgrader

    config = Config()
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [str(Path(formgrader.__file__).parent / "templates")]
    return HTMLExporter(config=config)


def sanitizing_exporter() -> HTMLExporter:
    return HTMLExporter(template_name="classic", sanitize_html=True)


def lab_exporter() -> HTMLExporter:
    return HTMLExporter(template_name="lab")


RESOURCES = {"base_url": "/", "index": 0, "total": 1, "notebook_id": "n", "assignment_id": "a", "submission_id": "s"}


@pytest.mark.parametrize(
    "make",
    [plain_exporter, sanitizing_exporter, lab_exporter, pytest.param(formgrader_exporter, marks=pytest.mark.slow)],
)
def test_hostile_text_is_shown_word_for_word_and_has_no_markup_of_its_own(make: Callable[[], HTMLExporter]) -> None:
    exporter = make()
    baseline = rendered_between(exporter.from_notebook_node(notebook("x"), resources=dict(RESOURCES))[0])
    for raw in HOSTILE:
        text = tidy_text(raw)
        page = rendered_between(exporter.from_notebook_node(notebook(text), resources=dict(RESOURCES))[0])
        # The same tags, whatever was written: so no tag, attribute, link or image came out of the text.
        assert page.tags == baseline.tags, raw
        assert " ".join(text.split()) in " ".join(page.text.split()), raw


def test_the_cell_holds_no_character_that_markdown_html_or_mathjax_could_take_for_its_own() -> None:
    for raw in HOSTILE:
        source = markdown_cell(tidy_text(raw))
        inside = source.split(">", 1)[1].removesuffix("</pre>")
        assert "\n" not in inside
        assert not set(inside) - set("&#;") & set("!\"$%'()*+,-./:<=>?@[\\]^_`{|}~")


def test_mathjax_passes_over_the_element_that_the_text_stands_in() -> None:
    # MathJax's skipTags and skipHtmlTags both name pre, in every version.
    assert markdown_cell("$x$").startswith("<pre")


def test_a_text_that_looks_like_nothing_is_still_not_the_untouched_placeholder() -> None:
    from qinlian.notebooks.notebook import ANSWER_PLACEHOLDER

    assert markdown_cell(ANSWER_PLACEHOLDER) != ANSWER_PLACEHOLDER


def graded_with(value: object) -> SubmissionGrade:
    edition = edition_of(COURSE, MODULE, IDS)
    drawn = Learner(edition).drawn(1)
    blanks = [pid for pid in drawn if edition.items[pid].kind == "填空"]
    answers = {}
    for pid in blanks:
        item = edition.items[pid]
        answers[pid] = Answer(value={IDS.of(item.id, e.letter): value for e in item.elements})
    file = AnswerFile(course="qinlian", module=MODULE.id, edition=edition.edition, answers=answers)
    return grade(current=edition, named=edition, learner="zhang", answers=file, seen_at=START, closed=True)


@pytest.mark.parametrize("text", [t for t in HOSTILE if len(t) < 200])
def test_what_was_typed_into_a_blank_is_escaped_in_the_grade_cell(text: str) -> None:
    harmless, hostile = _Page(), _Page()
    harmless.feed(explain(graded_with("x"), graded_with("x").quizzes[0]))
    done = graded_with(text)
    hostile.feed(explain(done, done.quizzes[0]))
    assert hostile.tags == harmless.tags
    assert " ".join(tidy_text(text).split()) in " ".join(hostile.text.split())


def test_what_was_typed_into_a_blank_is_no_formula_either() -> None:
    done = graded_with("$\\href{javascript:alert(1)}{x}$")
    html = explain(done, done.quizzes[0])
    outside = re.sub(r"<pre\b.*?</pre>", "", html, flags=re.DOTALL)
    assert "href" in html
    assert "href" not in outside


@pytest.mark.slow
def test_the_feedback_pages_sanitizer_leaves_the_grade_cell_as_it_is() -> None:
    from qinlian.grading.feedback import safe_html

    done = graded_with("x")
    html = explain(done, done.quizzes[0])
    before, after = _Page(), _Page()
    before.feed(html)
    after.feed(safe_html(html))
    assert [tag for tag, _ in before.tags] == [tag for tag, _ in after.tags]
    assert before.text.split() == after.text.split()
