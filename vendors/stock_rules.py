"""Arithmetic of a shelf, without a database: what may be promised, taken, given back, and when to order more."""

from __future__ import annotations

from dataclasses import dataclass, replace


class Short(ValueError):
    """More was asked for than there is."""


@dataclass(frozen=True)
class Level:
    """``reserved`` is a part of ``on_hand``; ``par`` is how many should be free to promise."""

    on_hand: int = 0
    reserved: int = 0
    par: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.reserved <= self.on_hand or self.par < 0:
            raise Short(f"{self.reserved} promised of {self.on_hand}")

    @property
    def available(self) -> int:
        """How many can still be promised."""
        return self.on_hand - self.reserved

    def reserve(self, quantity: int) -> Level:
        """Promise some. Raises :class:`Short` when fewer are free."""
        return self._changed(reserved=self.reserved + _some(quantity))

    def release(self, quantity: int) -> Level:
        """Take a promise back."""
        return self._changed(reserved=self.reserved - _some(quantity))

    def issue(self, quantity: int) -> Level:
        """Hand out what was promised."""
        _some(quantity)
        return self._changed(on_hand=self.on_hand - quantity, reserved=self.reserved - quantity)

    def receive(self, quantity: int) -> Level:
        """More came: a delivery, or a piece that was returned."""
        return self._changed(on_hand=self.on_hand + _some(quantity))

    def lose(self, quantity: int, *, promised: bool = False) -> Level:
        """Some must not be used any more (recalled, broken); ``promised`` when they were reserved."""
        _some(quantity)
        return self._changed(on_hand=self.on_hand - quantity, reserved=self.reserved - quantity * promised)

    def suggestion(self, on_order: int = 0) -> int:
        """How many to order so that ``par`` are free, counting what is on order."""
        return max(0, self.par - self.available - on_order)

    def _changed(self, **counts: int) -> Level:
        return replace(self, **counts)


def _some(quantity: int) -> int:
    if quantity < 1:
        raise ValueError("a count starts at 1")
    return quantity
