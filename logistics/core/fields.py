"""Model fields: sealed text, JSON and bytes, and the foreign key that carries the tenant."""

from __future__ import annotations

import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from logistics.core import crypto


class _Sealed:
    """Bytes as stored; opened on first read, where the row (and so the context) is known."""

    __slots__ = ("stored",)

    def __init__(self, stored: bytes) -> None:
        self.stored = bytes(stored)


class _SealedAttribute:
    """Descriptor that opens a stored value when it is read from an instance."""

    def __init__(self, field: SealedField) -> None:
        self.field = field

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        name = self.field.attname
        if name not in instance.__dict__:
            instance.refresh_from_db(fields=[name])
        value = instance.__dict__.get(name)
        if isinstance(value, _Sealed):
            value = self.field.open(instance, value.stored)
            instance.__dict__[name] = value
        return value

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__[self.field.attname] = value


class SealedField(models.BinaryField):
    """Encrypted at rest (see ``core.crypto``). Not searchable; write through an instance, never ``update()``."""

    # What type checkers see on an instance (django-stubs reads these).
    _pyi_private_set_type: Any
    _pyi_private_get_type: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("default", type(self).blank_value)
        kwargs["editable"] = True
        super().__init__(*args, **kwargs)

    @staticmethod
    def blank_value() -> Any:
        """The value of a row that never had one."""
        return ""

    def get_default(self) -> Any:
        """The empty Python value (a binary field would make bytes of an empty text)."""
        return type(self).blank_value()

    def deconstruct(self) -> Any:
        """Migrations know the path and options only."""
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("default", None)
        kwargs.pop("editable", None)
        return name, path, args, kwargs

    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:
        """Install the opening descriptor."""
        super().contribute_to_class(cls, name, private_only)
        setattr(cls, self.attname, _SealedAttribute(self))

    def context(self, instance: Any) -> str:
        """What a sealed value is bound to: table, row and field."""
        key = instance.sealed_key() if hasattr(instance, "sealed_key") else instance.pk
        return f"{instance._meta.db_table}|{key}|{self.attname}"

    def encode(self, value: Any) -> bytes:
        """Python value to bytes."""
        return str(value).encode()

    def decode(self, plain: bytes) -> Any:
        """Bytes to the Python value."""
        return plain.decode()

    def open(self, instance: Any, stored: bytes) -> Any:
        """The value of ``stored`` for its row."""
        if not stored:
            return type(self).blank_value()
        return self.decode(crypto.unseal(stored, tenant_id=instance.sealed_tenant_id(), context=self.context(instance)))

    def seal_for(self, instance: Any, value: Any) -> bytes:
        """``value`` sealed for ``instance`` (empty stays empty, so that emptiness can be queried)."""
        if isinstance(value, _Sealed):
            return value.stored
        if value is None or value == type(self).blank_value():
            return b""
        return crypto.seal(self.encode(value), tenant_id=instance.sealed_tenant_id(), context=self.context(instance))

    def pre_save(self, model_instance: Any, add: bool) -> bytes:
        """Seal with the row's own context."""
        return self.seal_for(model_instance, model_instance.__dict__.get(self.attname))

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        """Only sealed bytes reach the database."""
        if value is None or isinstance(value, bytes | memoryview):
            return super().get_db_prep_value(value, connection, prepared)
        if value == type(self).blank_value():
            # A column that is added to a table, or a search for what is empty.
            return super().get_db_prep_value(b"", connection, prepared)
        raise TypeError(f"{self.name} is sealed: write it through an instance, not through update() or a filter")

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        """Keep the stored bytes until an instance asks."""
        return None if value is None else _Sealed(value)

    def value_to_string(self, obj: Any) -> str:
        """Serializers (fixtures, logs) get no plain text."""
        return "[sealed]"


class SealedTextField(SealedField):
    """Sealed text; the empty value is ``""``."""

    _pyi_private_set_type: str
    _pyi_private_get_type: str


class SealedJSONField(SealedField):
    """Sealed JSON object; the empty value is ``{}``."""

    _pyi_private_set_type: Any
    _pyi_private_get_type: Any

    @staticmethod
    def blank_value() -> Any:
        """An empty object."""
        return {}

    def encode(self, value: Any) -> bytes:
        """JSON with dates and decimals as strings."""
        return json.dumps(value, cls=DjangoJSONEncoder, separators=(",", ":")).encode()

    def decode(self, plain: bytes) -> Any:
        """The parsed object."""
        return json.loads(plain)


class SealedBytesField(SealedField):
    """Sealed bytes (raw messages, signatures, photos)."""

    _pyi_private_set_type: bytes
    _pyi_private_get_type: bytes

    @staticmethod
    def blank_value() -> Any:
        """No bytes."""
        return b""

    def encode(self, value: Any) -> bytes:
        """As they are."""
        return bytes(value)

    def decode(self, plain: bytes) -> Any:
        """As they are."""
        return plain


class TenantForeignKey(models.ForeignKey):
    """A foreign key between rows of one tenant.

    The database constraint is made by ``core.rls.Protect`` over ``(tenant_id, column)``, because
    row-level security does not apply to foreign key checks: a one-column key could point across tenants.
    """

    def __init__(self, to: Any, on_delete: Any = models.PROTECT, **kwargs: Any) -> None:
        kwargs["db_constraint"] = False
        super().__init__(to, on_delete, **kwargs)


class VendorForeignKey(models.ForeignKey):
    """A foreign key to a row of one vendor's own supply, constrained over ``(vendor_id, column)``."""

    def __init__(self, to: Any, on_delete: Any = models.PROTECT, **kwargs: Any) -> None:
        kwargs["db_constraint"] = False
        super().__init__(to, on_delete, **kwargs)
