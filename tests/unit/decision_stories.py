"""Stories for the tests of 抉择: one to read, and a strategy that makes any number."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from qinlian.core.model import Item
from qinlian.items.decision.paths import Place, start
from qinlian.items.decision.story import parse

CITE = "《中国共产党纪律处分条例》第九十七条第一款"

TEA = f"""#### 茶叶
周五傍晚，老周把一盒茶叶放在你桌上。

- A. 追出去请他带回 → 电话 {{得分=3}}
  > 当面退回最省事。
  依据：{CITE}；《中国共产党纪律处分条例》第十七条
- B. 放着，下周一再还他 → 周末 {{得分=1 记住=留下茶叶}}
  > 东西已经过了夜。
- C. 转送给值夜班的门卫 → 周末 {{记住=留下茶叶、转送 不可撤回}}
  > 转送也是处置了不该收的礼。

#### 电话
星期天他打来电话。

- A. 说目录公开前谁也不能先看 → 谈开 {{得分=2}}
  > 守住了。
  依据：{CITE}
- B. 含糊过去再说 → 周末
  > 含糊就是答应了一半。

#### 周末
第二天一早，他又来了。
{{若=留下茶叶 若无=转送}} 他问：“茶还喝得惯吧？”

他坐下了。

- A. 当面还他，把话说清 → 谈开 {{得分=1 若=留下茶叶 若无=转送}}
  > 晚一天也比不说好。
  依据：{CITE}
- B. 陪他坐坐，先看看 → 走近
  > 话就硬不起来。
- C. 推说开会，请他回去 → 谈开 {{得分=0.5 若无=留下茶叶}}
  > 躲得了一时。

#### 谈开 {{结局}}
老周笑了：“早说嘛。”

#### 走近 {{结局}}
又过了两个月。
"""


def case(body: str, **more: object) -> Item:
    """A decision case with this body."""
    fields: dict[str, object] = {
        "id": "LZ-90-D1",
        "kind": "抉择",
        "stem": "你是小韩。",
        "points": 10,
        "explanation": "先收下再说，越往后越难开口。",
        "citations": (CITE,),
        "body": body,
    }
    return Item.model_validate(fields | more)


def route(body: str, letters: str) -> list[tuple[str, str]]:
    """(node, letter) of the path that these letters take from the start."""
    story = parse(body).story
    place, path = start(story), []
    for letter in letters:
        taken = next(c for c in place.offered(story) if c.letter == letter)
        path.append((taken.node, taken.letter))
        place = place.after(taken)
    return path


@dataclass(frozen=True)
class Option:
    letter: str
    to: int
    points: float
    sets: tuple[str, ...]
    needs: tuple[str, ...]
    bars: tuple[str, ...]
    final: bool
    feedback: str = "好与不好"
    cited: bool = True


@dataclass(frozen=True)
class Scene:
    number: int
    told: tuple[str, ...]
    options: tuple[Option, ...]


def written(scenes: tuple[Scene, ...], order: tuple[int, ...] = ()) -> str:
    """The story as an author would write it, its scenes in this order."""
    lines: list[str] = []
    for number in order or range(len(scenes)):
        scene = scenes[number]
        lines += [f"#### 第{number}幕{'' if scene.options else ' {结局}'}", f"这是第{number}幕。"]
        lines += [f"{{若={flag}}} 想起了{flag}。" for flag in scene.told]
        for option in scene.options:
            brace = [f"得分={option.points:g}"] if option.points else []
            brace += [f"{name}={'、'.join(t)}" for name, t in _tied(option) if t]
            brace += ["不可撤回"] if option.final else []
            tail = f" {{{' '.join(brace)}}}" if brace else ""
            lines += ["", f"- {option.letter}. 第{number}幕的{option.letter} → 第{option.to}幕{tail}"]
            lines += [f"  > {option.feedback}"] if option.feedback else []
            lines += [f"  依据：{CITE}"] if option.cited else []
        lines.append("")
    return "\n".join(lines).strip()


def _tied(option: Option) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return (("记住", option.sets), ("若", option.needs), ("若无", option.bars))


FLAGS = ("甲", "乙")


@st.composite
def scenes(draw: st.DrawFn, most: int = 5) -> tuple[Scene, ...]:
    """Scenes of which the first choice always leads on, so that an ending can be reached."""
    count = draw(st.integers(2, most))
    some = st.lists(st.sampled_from(FLAGS), unique=True, max_size=1).map(tuple)
    points = st.sampled_from([0, 0.1, 0.5, 1, 2, 3, 0.25])
    made: list[Scene] = []
    for number in range(count):
        options: list[Option] = []
        for index in range(draw(st.integers(2, 3)) if number < count - 1 else 0):
            to = number + 1 if not index else draw(st.integers(0, count - 1))
            tied = (draw(some), draw(some)) if index else ((), ())
            options.append(Option("ABC"[index], to, draw(points), draw(some), *tied, draw(st.booleans())))
        made.append(Scene(number, draw(some), tuple(options)))
    remembered = {flag for s in made for o in s.options for flag in o.sets}

    def known(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(n for n in names if n in remembered)

    return tuple(
        replace(
            s,
            told=known(s.told),
            options=tuple(replace(o, needs=known(o.needs), bars=known(o.bars)) for o in s.options),
        )
        for s in made
    )


def some_path(body: str, dice: random.Random, longest: int = 12) -> list[tuple[str, str]]:
    """(node, letter) of a walk at random, to an ending or until it is long enough."""
    story = parse(body).story
    place: Place = start(story)
    path: list[tuple[str, str]] = []
    while len(path) < longest and (offered := place.offered(story)):
        taken = dice.choice(offered)
        path.append((taken.node, taken.letter))
        place = place.after(taken)
        if dice.random() < 0.05:
            break
    return path
