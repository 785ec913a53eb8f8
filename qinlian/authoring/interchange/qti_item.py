"""One ``assessmentItem`` → a question."""

from __future__ import annotations

import html
from collections.abc import Collection
from dataclasses import replace

from qinlian.authoring.interchange.asked import Asked, Choice, Losses, Unreadable
from qinlian.authoring.interchange.credit import PERCENT, figure
from qinlian.authoring.interchange.qti_source import Source
from qinlian.authoring.interchange.rubric import take_rubric
from qinlian.authoring.interchange.safexml import Node
from qinlian.items.base import letter_at

__all__ = ["read_item"]

_TAKEN = (
    "choiceInteraction",
    "textEntryInteraction",
    "matchInteraction",
    "orderInteraction",
    "extendedTextInteraction",
)
_OTHERS = {
    "inlineChoiceInteraction": "句中选择", "associateInteraction": "两两连线", "gapMatchInteraction": "拖放填空",
    "hottextInteraction": "点选文字", "hotspotInteraction": "图上点选", "sliderInteraction": "滑块",
    "uploadInteraction": "上传文件", "drawingInteraction": "画图", "mediaInteraction": "音视频",
    "customInteraction": "自定义", "positionObjectInteraction": "摆放", "graphicOrderInteraction": "图上排序",
    "graphicAssociateInteraction": "图上连线", "graphicGapMatchInteraction": "图上填空",
    "selectPointInteraction": "图上取点", "endAttemptInteraction": "请求提示",
}  # fmt: skip
_APART = (
    *_TAKEN,
    *_OTHERS,
    "rubricBlock",
    "feedbackBlock",
    "feedbackInline",
    "modalFeedback",
    "templateBlock",
    "stylesheet",
)
_TRUE, _FALSE = ("true", "对", "正确", "t", "真"), ("false", "错", "错误", "f", "假", "不正确")


def read_item(root: Node, source: Source, losses: Losses) -> Asked:
    """The question; raises Unreadable for one that this course has no type for."""
    return _Item(root, source, losses).read()


class _Item:
    def __init__(self, root: Node, source: Source, losses: Losses) -> None:
        self.root, self.source, self.losses = root, source, losses
        self.lost: list[str] = []
        self.declared = {n.attrs.get("identifier", ""): n for n in root.all("responseDeclaration")}
        self.processing = root.first("responseProcessing")
        self.feedback = self._feedback()

    def read(self) -> Asked:
        if self.root.tag != "assessmentItem":
            raise Unreadable("这个文件不是一道题")
        body = self.root.first("itemBody")
        if body is None:
            raise Unreadable("题目没有正文")
        others = [n.tag for n in body.every(*_OTHERS) if n.tag != "endAttemptInteraction"]
        if others:
            raise Unreadable(f"本课程没有这种题型（{_OTHERS[others[0]]}）")
        asked = list(body.every(*_TAKEN))
        if not asked:
            raise Unreadable("本课程没有这种题型（说明文字，不是题）")
        tags = {n.tag for n in asked}
        if len(tags) > 1 or (len(asked) > 1 and tags != {"textEntryInteraction"}):
            raise Unreadable("一题里有几个问题，要拆成几道")
        question = self._question(asked, body)
        self._tell()
        return replace(
            question,
            id=self.root.attrs.get("identifier", ""),
            name=self.root.attrs.get("title", ""),
            explanation=self._explanation(),
            points=self._points(),
        )

    def _question(self, asked: list[Node], body: Node) -> Asked:
        stem = self._stem(body, asked)
        match asked[0].tag:
            case "choiceInteraction":
                return self._choice(asked[0], stem)
            case "textEntryInteraction":
                return self._blanks(asked, stem)
            case "matchInteraction":
                return self._match(asked[0], stem)
            case "orderInteraction":
                return self._order(asked[0], stem)
        return self._essay(body, stem)

    # --- texts ---

    def _stem(self, body: Node, asked: list[Node]) -> str:
        prompt = asked[0].first("prompt")
        blocks = [_html(body, _APART, "____")]
        if prompt:
            blocks.append(f"<div>{_html(prompt)}</div>")
        return self.source.text("stem", "".join(blocks), self.lost)

    def _text(self, part: str, node: Node) -> str:
        return self.source.text(part, _html(node, ("feedbackInline",)), self.lost)

    def _said(self, letter: str, identifier: str, node: Node | None = None) -> str:
        """The feedback of an option."""
        inline = list(node.every("feedbackInline")) if node else []
        words = "".join(_html(f) for f in inline)
        return self._written(f"{letter}+", words if words else self.feedback.pop(identifier, None))

    def _feedback(self) -> dict[str, str]:
        """Identifier → HTML of every feedback shown when it is chosen."""
        found: dict[str, str] = {}
        for node in self.root.all("modalFeedback"):
            key = node.attrs.get("identifier", "")
            if node.attrs.get("outcomeIdentifier") == "SOLUTIONMODAL":
                key = "EXPLANATION"
            if node.attrs.get("showHide", "show") == "show":
                found[key] = found.get(key, "") + _html(node)
        return found

    def _explanation(self) -> str:
        return self._written("explanation", self.feedback.pop("EXPLANATION", None))

    def _written(self, part: str, words: str | None) -> str:
        """A feedback as Markdown; one that is there may show nothing, a link's definition alone for instance."""
        return "" if words is None else self.source.text(part, words, self.lost)

    def _tell(self) -> None:
        left = {k: v for k, v in self.feedback.items() if k != "EXPLANATION" and v.strip()}
        parts = [f"反馈“{self.source.text('', v, [])[:20]}”" for v in left.values()]
        self.losses.parts("W654", parts, "需要时写进解析或选项的反馈")
        self.losses.left(self.lost)
        if self.root.attrs.get("adaptive") == "true" or self.root.all("templateDeclaration"):
            self.losses.parts("W654", ["随作答变化或随机生成的部分"], "看看题目是否还成立")

    # --- keys and marks ---

    def _key(self, response: str) -> list[str]:
        declared = self.declared.get(response)
        correct = declared.first("correctResponse") if declared else None
        return [v.own_text.strip() for v in correct.all("value")] if correct else []

    def _mapped(self, response: str) -> tuple[dict[str, float], float]:
        """(answer → points, points of any other answer)."""
        declared = self.declared.get(response)
        mapping = declared.first("mapping") if declared else None
        if mapping is None:
            return {}, 0.0
        points = {e.attrs.get("mapKey", "").strip(): e.attrs.get("mappedValue", "0") for e in mapping.all("mapEntry")}
        return {key: figure(value) for key, value in points.items()}, figure(mapping.attrs.get("defaultValue", "0"))

    @property
    def _whole(self) -> bool:
        """True when only the complete answer earns anything."""
        if self.processing is None:
            return not any(declared.first("mapping") for declared in self.declared.values())
        template = self.processing.attrs.get("template", "")
        if template:
            return "map_response" not in template
        scoring = [n for n in self.processing.children if _sets_score(n)]
        partly = any(next(n.every("mapResponse", "index"), None) for n in scoring)
        together = any(next(n.every("and"), None) for n in scoring)
        return together or not partly

    def _points(self) -> float | None:
        outcomes = {n.attrs.get("identifier", ""): n for n in self.root.all("outcomeDeclaration")}
        most = outcomes.get("MAXSCORE")
        default = most.first("defaultValue") if most else None
        if default and (value := figure(default.text_of("value"))) > 0:
            return value
        score = outcomes.get("SCORE")
        value = figure(score.attrs.get("normalMaximum", "0")) if score else 0.0
        return value if value > 0 else None

    # --- types ---

    def _choice(self, node: Node, stem: str) -> Asked:
        response = node.attrs.get("responseIdentifier", "RESPONSE")
        options = node.all("simpleChoice")
        names = [o.attrs.get("identifier", "") for o in options]
        letters = _letters(names)
        key = self._key(response)
        mapped, otherwise = self._mapped(response)
        single = node.attrs.get("maxChoices", "1") == "1"
        if not key:
            best = max(mapped.values(), default=0.0)
            key = [n for n, v in mapped.items() if v > 0 and (not single or v == best)]
        whole = not single and self._whole
        total = sum(v for v in mapped.values() if v > 0)
        choices = []
        for name, letter, option in zip(names, letters, options, strict=True):
            share = PERCENT if name in key else 0.0
            if total and not whole and not single:
                share = PERCENT * mapped.get(name, otherwise) / total
            elif single and name not in key and mapped.get(name, 0.0) > 0:
                share = PERCENT * mapped[name] / max(mapped.values())
            choices.append(Choice(self._text(letter, option), self._said(letter, name, option), share, letter))
        plain = [c.text.strip().strip("。.").lower() for c in choices]
        if single and len(choices) == 2:
            sides = [replace(c, text="", letter="") for c in choices]
            if plain[0] in _TRUE and plain[1] in _FALSE:
                return Asked("判断", stem, tuple(sides))
            if plain[0] in _FALSE and plain[1] in _TRUE:
                return Asked("判断", stem, tuple(reversed(sides)))
        return Asked("单选" if single else "多选", stem, tuple(choices), whole=whole)

    def _blanks(self, nodes: list[Node], stem: str) -> Asked:
        choices = []
        for index, node in enumerate(nodes):
            response = node.attrs.get("responseIdentifier", "")
            letter = response.removeprefix("RESPONSE_")
            letter = letter if len(letter) == 1 and "A" <= letter <= "Z" else letter_at(min(index, 25))
            mapped, _ = self._mapped(response)
            best = max(mapped.values(), default=0.0)
            spellings = [*self._key(response), *(k for k, v in mapped.items() if v > 0 and v == best)]
            if any(0 < v < best for v in mapped.values()):
                self.losses.say("W653", "只得一部分分的答案没有带过来", "要算对就写进答案，用 | 隔开")
            text = " | ".join(dict.fromkeys(s.replace("|", "/") for s in spellings))
            choices.append(Choice(text, self._said(letter, letter), letter=letter))
        return Asked("填空", stem, tuple(choices), whole=len(nodes) > 1 and self._whole)

    def _match(self, node: Node, stem: str) -> Asked:
        response = node.attrs.get("responseIdentifier", "RESPONSE")
        sets = node.all("simpleMatchSet")
        if len(sets) != 2:
            raise Unreadable("配对题没有左右两边")
        left, right = ([(c.attrs.get("identifier", ""), c) for c in s.all("simpleAssociableChoice")] for s in sets)
        pairs = dict(p.split()[:2] for p in (self._key(response) or self._mapped(response)[0]) if len(p.split()) >= 2)
        letters = dict(zip((n for n, _ in left), _letters([n for n, _ in left]), strict=True))
        words = {n: self._text(f"{n.removeprefix('R_')}>", c) for n, c in right}
        choices = []
        for name, entry in left:
            letter = letters[name]
            if pairs.get(name) not in words:
                raise Unreadable("配对题里有一项没有写配哪一个")
            choices.append(Choice(self._text(letter, entry), self._said(letter, name), 0.0, letter, words[pairs[name]]))
        for name, text in words.items():
            if name not in pairs.values():
                letter = name.removeprefix("R_") if len(name) == 3 else ""
                choices.append(Choice("", self._said(letter, letter), 0.0, letter, text))
        if not all(c.letter for c in choices):
            choices = [replace(c, letter="") for c in choices]
        return Asked("配对", stem, _as_said(choices, self.source), whole=self._whole)

    def _order(self, node: Node, stem: str) -> Asked:
        response = node.attrs.get("responseIdentifier", "RESPONSE")
        options = {o.attrs.get("identifier", ""): o for o in node.all("simpleChoice")}
        key = self._key(response)
        if sorted(key) != sorted(options):
            raise Unreadable("排序题没有写完整的正确次序")
        letters = dict(zip(options, _letters(list(options)), strict=True))
        choices = [
            Choice(self._text(letters[n], options[n]), self._said(letters[n], n, options[n]), 0.0, letters[n])
            for n in key
        ]
        return Asked("排序", stem, tuple(choices), whole=self._whole)

    def _essay(self, body: Node, stem: str) -> Asked:
        rubric = next((n for n in body.every("rubricBlock") if "scorer" in n.attrs.get("view", "")), None)
        words = self.source.text("rubric", _html(rubric), self.lost) if rubric else ""
        criteria, prompts = take_rubric(words, self._points() or 1, self.losses)
        return Asked("心得", stem, criteria, prompts=prompts)


def _sets_score(node: Node) -> bool:
    inside = [*([node] if node.tag == "setOutcomeValue" else []), *node.every("setOutcomeValue")]
    return any(n.attrs.get("identifier") == "SCORE" for n in inside)


def _as_said(choices: list[Choice], source: Source) -> tuple[Choice, ...]:
    """The lines in the author's order, where a label tells it."""
    order = next((label.partition(":")[2] for label in source.labels if label.startswith("选项:")), "")
    if sorted(order) != sorted(c.letter for c in choices):
        return tuple(choices)
    return tuple(sorted(choices, key=lambda c: order.index(c.letter)))


def _letters(names: list[str]) -> list[str]:
    """The identifiers as letters where each is one, else A, B, C…."""
    if all(len(n) == 1 and "A" <= n <= "Z" for n in names) and len(set(names)) == len(names):
        return names
    if len(names) > 26:
        raise Unreadable(f"有 {len(names)} 个选项，最多 26 个")
    return [letter_at(i) for i in range(len(names))]


def _html(node: Node, without: Collection[str] = (), gap: str = "") -> str:
    """What an element holds as HTML; blanks as ``gap``, elements ``without`` left out."""
    parts = []
    for part in node.inside:
        if isinstance(part, str):
            parts.append(html.escape(part, quote=False))
        elif part.tag == "textEntryInteraction":
            parts.append(gap)
        elif part.tag not in without:
            attrs = "".join(f' {name}="{html.escape(value)}"' for name, value in part.attrs.items())
            inside = _html(part, without, gap)
            parts.append(
                f"<{part.tag}{attrs}>" + (inside + f"</{part.tag}>" if part.tag not in ("br", "hr", "img") else "")
            )
    return "".join(parts)
