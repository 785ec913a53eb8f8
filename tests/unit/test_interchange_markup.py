"""HTML of other systems as Markdown: what can be said is said, what cannot is named, and words stay words."""

from __future__ import annotations

import re
import warnings
from html import escape

import pytest
from bs4 import BeautifulSoup
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from qinlian.authoring.interchange.asked import Unreadable
from qinlian.authoring.interchange.markup import from_html, from_plain, to_xhtml
from qinlian.authoring.questions import parse_questions
from qinlian.authoring.shapes import as_prose
from qinlian.authoring.textfile import parse_text
from qinlian.authoring.writer import write_item
from qinlian.core.model import Item
from tests.drawn_items import CHARS
from tests.interchange_items import NASTY
from tests.sample import MODULE

HTML = {
    "paragraphs": ("<p>一</p>\n<p>二<br>三</p>", "一\n\n二\n三"),
    "bare text": ("一 \n 二", "一 二"),
    "emphasis": ("<p>不<b>能</b>收，<i>记</i>住</p>", "不**能**收，*记*住"),
    "punctuation outside": ("<p>叫<strong>“不收”</strong>的</p>", "叫“**不收**”的"),
    "spaces outside": ("<p>不<b> 能 </b>收</p>", "不 **能** 收"),
    "emphasis in emphasis": ("<b>甲<b>乙</b></b>", "**甲乙**"),
    "nothing emphasised": ("<p>甲<b></b><i> </i>乙</p>", "甲 乙"),
    "lists": ("<ul><li>一</li><li><p>二</p><ol><li>甲</li><li>乙</li></ol></li></ul>", "- 一\n- 二\n  1. 甲\n  2. 乙"),
    "a list in a list": ("<ul><li>一</li><ul><li>二</li></ul></ul>", "- 一\n- - 二"),
    "a table": (
        "<table><tr><th>甲</th><th>乙</th></tr><tr><td>1|2</td></tr></table>",
        "| 甲 | 乙 |\n| --- | --- |\n| 1\\|2 |  |",
    ),
    "a link": ('<a href="https://example.cn/x">看</a>', "[看](https://example.cn/x)"),
    "a link that runs": ('<a href="javascript:alert(1)">看</a>', "看"),
    "a quotation": ("<blockquote><p>一</p><p>二</p></blockquote>", "> 一\n>\n> 二"),
    "code": ("<p><code>a*b</code></p><pre>x\n  y</pre>", "`a*b`\n\n```\nx\n  y\n```"),
    "a heading": ("<h3>题目<b>一</b></h3><p>二</p>", "**题目一**\n\n二"),
    "blocks in a span": ("<span><div>一</div><div>二</div></span>", "一\n\n二"),
    "signs": ("<p>1 &lt; 2 &amp;&amp; a*b [c] `d` \\ _e_</p>", "1 &lt; 2 && a\\*b \\[c\\] \\`d\\` \\\\ \\_e\\_"),
    "an entity told as text": ("<p>&amp;lt; 是小于号</p>", "&amp;lt; 是小于号"),
    "lines that look like marks": ("<p># 一<br>- 二<br>1. 三<br>> 四</p>", "\\# 一\n\\- 二\n1\\. 三\n\\> 四"),
    "blanks": ("<p>在____内</p>", "在____内"),
    "a comment": ("<p>一<!-- 不给人看 -->二</p>", "一二"),
    "no-break spaces": ("<p>一&nbsp;&nbsp;二</p>", "一 二"),
    "unclosed": ("<p>一<b>二", "一**二**"),
    "nothing": ("  ", ""),
}


@pytest.mark.parametrize("html", ["名单.txt", "https://example.cn/a.html", '<?xml version="1.0"?><a>甲</a>'])
def test_the_parsers_advice_to_programmers_reaches_nobody(html: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        from_html(html)


@pytest.mark.parametrize("name", HTML)
def test_html_reads_the_same_as_markdown(name: str) -> None:
    html, text = HTML[name]
    found = from_html(html)
    assert (found.text, found.lost) == (text, ())
    assert from_html(to_xhtml(found.text)).text == found.text


LOST = {
    '<p>看图<img src="a.png" alt="登记表">再答</p>': ("看图再答", ("图片“登记表”",)),
    "<video src=x></video><audio></audio>": ("", ("视频", "音频")),
    "<p>一<script>alert(1)</script><style>p{}</style>二</p>": ("一二", ("脚本", "样式表")),
    '<p><span style="color: red">红</span>字</p>': ("红字", ("文字的颜色",)),
    "<p>m<sup>2</sup>、<u>线</u>、<s>删</s></p>": ("m2、线、删", ("上下标", "下划线", "删除线")),
    "<table><tr><td colspan=2>一</td></tr></table>": ("| 一 |\n| --- |", ("合并的单元格",)),
    "<p>一\u200b二</p>": ("一二", ("看不见的字符",)),
    "<p>算<math><mi>x</mi></math></p>": ("算", ("公式",)),
}


@pytest.mark.parametrize("html", LOST)
def test_what_cannot_be_said_is_named(html: str) -> None:
    found = from_html(html)
    assert (found.text, found.lost) == LOST[html]


WORDS = st.lists(st.one_of(st.sampled_from(NASTY), st.text(CHARS, min_size=1, max_size=6)), max_size=6).map("".join)


def seen(html: str) -> str:
    """The text that a reader sees, white space aside."""
    return re.sub(r"\s+", "", BeautifulSoup(html, "html.parser").get_text())


@given(WORDS)
@example("\u3000\u30001. 一")
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_plain_text_is_seen_as_it_was_whatever_signs_it_has(text: str) -> None:
    shown = seen(to_xhtml(as_prose(from_plain(text).text)))
    assert shown == re.sub(r"\s+", "", text)


@given(WORDS)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_paragraph_is_seen_as_it_was_whatever_signs_it_has(text: str) -> None:
    found = from_html(f"<p>{escape(text)}</p>")
    assert seen(to_xhtml(as_prose(found.text))) == re.sub(r"\s+", "", text)
    assert found.lost == ()


@given(WORDS)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_plain_text_stands_in_a_questions_file_as_the_stem_of_an_item(text: str) -> None:
    item = Item.model_validate(MODULE.items[0].model_dump() | {"stem": as_prose(f"题{from_plain(text).text}")})
    found = parse_questions(parse_text(write_item(item), "questions.md"))
    assert [p.item.stem for p in found.items] == [item.stem]
    assert found.diagnostics == ()


PARTS = ["<p>", "</p>", "<b>", "</b>", "<ul>", "<li>", "<table>", "<tr>", "<td>", "<br>", "<img>", "<pre>", "\n"]
PARTS += ["一", "*", "<", "&", "|"]


@given(st.lists(st.sampled_from(PARTS), max_size=25).map("".join))
@settings(max_examples=100, deadline=None)
def test_no_html_makes_the_converter_raise(html: str) -> None:
    assert "<p>" not in from_html(html).text


def test_a_text_without_end_is_refused() -> None:
    with pytest.raises(Unreadable, match="100001"):
        from_html("一" * 100_001)
