"""A person who has only a keyboard: walks by Tab, types, chooses by arrows, and counts every answer given."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

FARTHEST = 140


class Keyboard:
    """Drives a page by keys alone. ``answers``: inputs filled or chosen; ``presses``: keys other than typed text."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.answers = 0
        self.presses = 0

    def press(self, key: str) -> None:
        """One key or chord."""
        self.presses += 1
        self.page.keyboard.press(key)

    def reach(self, css: str) -> Locator:
        """Tab on until the focus is on an element of ``css``; fails when it is never reached."""
        here = self.page.locator(f"{css}:focus")
        for _ in range(FARTHEST):
            if here.count():
                return here
            self.press("Tab")
        raise AssertionError(f"the Tab key never reaches {css}")

    def write(self, name: str, text: str) -> None:
        """Fill a text field."""
        self.reach(f"[name='{name}']")
        self.press("Control+a")
        self.page.keyboard.type(text)
        self.answers += 1

    def write_moment(self, name: str, keys: str) -> None:
        """Fill a date, time or date-and-time field part by part (US order); ``>`` goes to the next part."""
        self.reach(f"[name='{name}']")
        for key in keys:
            self.page.keyboard.press("ArrowRight" if key == ">" else key)
        self.answers += 1

    def pick(self, name: str, text: str, *, expected: str) -> None:
        """Type into a picker and take the first match, which must say ``expected``."""
        self.reach(f"[name='{name}_text']")
        self.press("Control+a")
        self.page.keyboard.type(text)
        match = self.page.locator(f"#{name}-list [role=option][aria-selected=true]")
        expect(match).to_contain_text(expected)
        self.press("Enter")
        self.answers += 1

    def choose(self, name: str, value: str) -> None:
        """Choose one of a row of radios: Tab to the row, arrows along it."""
        self.reach(f"input[type=radio][name='{name}']")
        self.press("Space")
        wanted = self.page.locator(f"input[name='{name}'][value='{value}']:checked")
        for _ in range(12):
            if wanted.count():
                break
            self.press("ArrowRight")
        expect(wanted).to_have_count(1)
        self.answers += 1

    def tick(self, name: str, value: str) -> None:
        """Tick one checkbox."""
        self.reach(f"input[type=checkbox][name='{name}'][value='{value}']")
        self.press("Space")
        self.answers += 1

    def select(self, name: str, starts: str) -> None:
        """Choose from a list by typing how the entry begins."""
        self.reach(f"select[name='{name}']")
        self.page.keyboard.type(starts)
        self.answers += 1
