"""Equipment on the shelf: of a supplier's depot, and of a health system's own loaner closet.

Both are counted by the same columns and the same code (``vendors/services/stock.py``); they differ in who owns the row.
``reserved`` is the part of ``on_hand`` that is promised: the database refuses a promise of what is not there.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from logistics.core.fields import TenantForeignKey, VendorForeignKey
from logistics.core.models import TenantModel, VendorModel

UNIT_STATES = [
    ("in_stock", "In stock"),
    ("reserved", "Reserved"),
    ("out", "With a patient"),
    ("due_back", "Pickup ordered"),
    ("recalled", "Recalled"),
    ("retired", "Taken out"),
]
REORDER_STATES = [("open", "Ordered"), ("received", "Received"), ("canceled", "Canceled")]
MOVES = [
    ("received", "Received"),
    ("reserved", "Reserved"),
    ("released", "Released"),
    ("issued", "Issued"),
    ("returned", "Returned"),
    ("counted", "Counted"),
    ("recalled", "Recalled"),
]


class ShelfItem(models.Model):
    """How many of one item and size there are."""

    code = models.CharField(max_length=20)
    name = models.CharField(max_length=80)
    size = models.CharField(max_length=20, blank=True)
    place = models.CharField(max_length=60, blank=True, help_text="Shelf or room")
    serialised = models.BooleanField(default=False)
    on_hand = models.IntegerField(default=0)
    reserved = models.IntegerField(default=0)
    par = models.IntegerField(default=0, help_text="How many should be free to promise")

    class Meta:
        abstract = True

    @property
    def available(self) -> int:
        """How many can still be promised."""
        return self.on_hand - self.reserved

    @property
    def below_par(self) -> bool:
        """Fewer free than there should be."""
        return self.available < self.par


class ShelfUnit(models.Model):
    """One piece with a serial number. ``order_id`` names the equipment order that it is promised to or out for."""

    serial = models.CharField(max_length=40)
    state = models.CharField(max_length=10, choices=UNIT_STATES, default="in_stock")
    order_id = models.UUIDField(null=True)
    order_number = models.BigIntegerField(null=True)
    out_at = models.DateTimeField(null=True)
    due_back_on = models.DateField(null=True)
    recalled_reason = models.CharField(max_length=120, blank=True)

    class Meta:
        abstract = True


class ShelfReorder(models.Model):
    """More of an item was ordered; one open order an item."""

    quantity = models.IntegerField()
    state = models.CharField(max_length=10, choices=REORDER_STATES, default="open")
    requested_by_name = models.CharField(max_length=120)
    requested_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True


class ShelfMove(models.Model):
    """Every change of a count, append-only. ``key`` makes a form that is sent twice count once."""

    kind = models.CharField(max_length=10, choices=MOVES)
    quantity = models.IntegerField()
    on_hand = models.IntegerField(help_text="After the move")
    reserved = models.IntegerField(help_text="After the move")
    key = models.CharField(max_length=64, null=True)
    order_id = models.UUIDField(null=True)
    at = models.DateTimeField()
    by_name = models.CharField(max_length=120)
    note = models.CharField(max_length=120, blank=True)

    class Meta:
        abstract = True


def _counts(name: str) -> models.CheckConstraint:
    sound = Q(on_hand__gte=0, reserved__gte=0, par__gte=0, reserved__lte=F("on_hand"))
    return models.CheckConstraint(condition=sound, name=name)


class StockItem(ShelfItem, VendorModel):
    """What a supplier's depot holds."""

    class Meta:
        base_manager_name = "objects"
        ordering = ["name", "size"]
        constraints = [
            models.UniqueConstraint(fields=["vendor_id", "code", "size"], name="vendors_stock_code"),
            _counts("vendors_stock_counts"),
        ]


class StockUnit(ShelfUnit, VendorModel):
    """One piece of a supplier; ``customer_id`` is the health system whose order it is out for."""

    item = VendorForeignKey(StockItem, related_name="units")
    customer_id = models.UUIDField(null=True)

    class Meta:
        base_manager_name = "objects"
        ordering = ["serial"]
        constraints = [models.UniqueConstraint(fields=["vendor_id", "serial"], name="vendors_stock_serial")]
        indexes = [models.Index(fields=["vendor_id", "item", "state"])]


class StockHold(VendorModel):
    """Stock promised to one line of an order. It names ids only, and no health system may read it."""

    STATES = [("reserved", "Reserved"), ("issued", "Out"), ("released", "Released")]

    item = VendorForeignKey(StockItem, related_name="holds")
    customer_id = models.UUIDField()
    order_id = models.UUIDField()
    line_id = models.UUIDField()
    quantity = models.IntegerField()
    state = models.CharField(max_length=10, choices=STATES, default="reserved")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        base_manager_name = "objects"
        constraints = [
            models.UniqueConstraint(fields=["vendor_id", "line_id"], condition=Q(state="reserved"),
                                    name="vendors_hold_once"),
        ]  # fmt: skip
        indexes = [models.Index(fields=["vendor_id", "order_id"])]


class StockReorder(ShelfReorder, VendorModel):
    """A supplier's own order of more."""

    item = VendorForeignKey(StockItem, related_name="reorders")

    class Meta:
        base_manager_name = "objects"
        ordering = ["-requested_at"]
        constraints = [
            models.UniqueConstraint(fields=["vendor_id", "item"], condition=Q(state="open"),
                                    name="vendors_reorder_once"),
        ]  # fmt: skip


class StockMove(ShelfMove, VendorModel):
    """History of a depot's counts."""

    item = VendorForeignKey(StockItem, related_name="moves")

    class Meta:
        base_manager_name = "objects"
        ordering = ["-at"]
        constraints = [models.UniqueConstraint(fields=["vendor_id", "key"], name="vendors_stock_move_once")]


class ClosetItem(ShelfItem, TenantModel):
    """What the hospital's own loaner closet holds."""

    class Meta:
        base_manager_name = "objects"
        ordering = ["name", "size"]
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "code", "size"], name="vendors_closet_code"),
            _counts("vendors_closet_counts"),
        ]


class ClosetUnit(ShelfUnit, TenantModel):
    """One piece that the hospital lends."""

    item = TenantForeignKey(ClosetItem, related_name="units")

    class Meta:
        base_manager_name = "objects"
        ordering = ["serial"]
        constraints = [models.UniqueConstraint(fields=["tenant_id", "serial"], name="vendors_closet_serial")]
        indexes = [models.Index(fields=["tenant_id", "item", "state"])]


class ClosetReorder(ShelfReorder, TenantModel):
    """More for the closet was ordered."""

    item = TenantForeignKey(ClosetItem, related_name="reorders")

    class Meta:
        base_manager_name = "objects"
        ordering = ["-requested_at"]
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "item"], condition=Q(state="open"),
                                    name="vendors_closet_reorder"),
        ]  # fmt: skip


class ClosetMove(ShelfMove, TenantModel):
    """History of the closet's counts."""

    item = TenantForeignKey(ClosetItem, related_name="moves")

    class Meta:
        base_manager_name = "objects"
        ordering = ["-at"]
        constraints = [models.UniqueConstraint(fields=["tenant_id", "key"], name="vendors_closet_move_once")]
