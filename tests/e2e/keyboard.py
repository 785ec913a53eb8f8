"""Answers items with keys only, knowing the key as an instructor does."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Locator, Page

from qinlian.authoring.reader import load_course
from qinlian.authoring.secret import load_identity
from qinlian.core.model import Item
from qinlian.items.base import item_type

MODULE = "02-gifts"
HOSTILE = "<script>window.hacked=1</script><img src=x onerror='window.hacked=1'> **粗** =1+1"
REFLECTION = "上周有位学员把两盒茶放在我桌上。我当天打电话请他取回，并告诉了科长。" * 4 + HOSTILE


class Keyboard:
    """One page, and the course at ``root``."""

    def __init__(self, page: Page, root: Path) -> None:
        self._page = page
        self._ids = load_identity(root / "course")
        module = load_course(root / "course").module(MODULE)
        self._items: dict[str, Item] = {self._ids.of(i.id): i for i in module.items}
        self.used: set[str] = set()

    def item_of(self, fieldset: Locator) -> Item:
        stem_id = fieldset.locator(".ql-stem").get_attribute("id") or ""
        return self._items[stem_id.removesuffix("-stem").rsplit("-", 1)[1]]

    def answer(self, fieldset: Locator) -> None:
        """Give the right answer. The first control gets the focus; everything after is keys."""
        item = self.item_of(fieldset)
        key = item_type(item.kind).key(item, self._ids)
        kind = fieldset.get_attribute("data-kind") or ""
        self.used.add(kind)
        getattr(self, f"_{kind}")(fieldset, key)

    def _focused(self, attribute: str) -> str:
        return str(self._page.evaluate(f"document.activeElement.getAttribute('{attribute}') ?? ''"))

    def _single(self, fieldset: Locator, key: str) -> None:
        inputs = fieldset.locator("input[type=radio]")
        inputs.first.focus()
        self._page.keyboard.press("Space")
        for _ in range(inputs.count()):
            if self._page.evaluate("document.activeElement.value") == key:
                break
            self._page.keyboard.press("ArrowDown")
        assert self._page.evaluate("document.activeElement.value") == key
        assert self._page.evaluate("document.activeElement.checked")

    _truefalse = _single

    def _multiple(self, fieldset: Locator, key: list[str]) -> None:
        inputs = fieldset.locator("input[type=checkbox]")
        inputs.first.focus()
        for _ in range(inputs.count()):
            if self._page.evaluate("document.activeElement.value") in key:
                self._page.keyboard.press("Space")
            self._page.keyboard.press("Tab")

    def _blank(self, fieldset: Locator, key: dict[str, str]) -> None:
        fieldset.locator("input").first.focus()
        for text in key.values():
            self._page.keyboard.type(text)
            self._page.keyboard.press("Tab")

    def _ordering(self, fieldset: Locator, key: list[str]) -> None:
        item = self.item_of(fieldset)
        words = {self._ids.of(item.id, e.letter): e.text for e in item.elements}
        for place, wanted in enumerate(key):
            for _ in range(len(key)):
                texts = fieldset.locator(".ql-step .ql-option-text").all_inner_texts()
                if texts[place] == words[wanted]:
                    break
                fieldset.locator(".ql-step").nth(texts.index(words[wanted])).get_by_role("button").first.focus()
                self._page.keyboard.press("Enter")
        if fieldset.locator(".ql-untouched").is_visible():
            fieldset.locator(".ql-untouched button").focus()
            self._page.keyboard.press("Enter")

    def _matching(self, fieldset: Locator, key: dict[str, str]) -> None:
        selects = fieldset.locator("select")
        rights = fieldset.locator("select").first.locator("option").evaluate_all("all => all.map(o => o.value)")
        for index, wanted in enumerate(key.values()):
            selects.nth(index).focus()
            for _ in range(rights.index(wanted)):
                self._page.keyboard.press("ArrowDown")
            assert selects.nth(index).input_value() == wanted

    def _reflection(self, fieldset: Locator, key: None) -> None:
        fieldset.locator("textarea").focus()
        self._page.keyboard.insert_text(REFLECTION)
