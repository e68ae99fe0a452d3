"""Organizations, their sites, and the people who work for them."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

from logistics.accounts import roles
from logistics.core.fields import TenantForeignKey
from logistics.core.ids import uuid7
from logistics.core.models import TenantModel


class Organization(models.Model):
    """A health system (a tenant: owns patients and trips), a vendor, or the platform's operator."""

    KINDS = [("health_system", "Health system"), ("vendor", "Vendor"), ("operator", "Operator")]

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=20, choices=KINDS)
    name = models.CharField(max_length=120)
    short_name = models.CharField(max_length=40)
    slug = models.SlugField(max_length=60, unique=True)
    time_zone = models.CharField(max_length=60, default="America/Chicago")
    phone = models.CharField(max_length=30, blank=True)
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Facility(TenantModel):
    """A hospital or another site of a health system."""

    name = models.CharField(max_length=120)
    short_name = models.CharField(max_length=40)
    code = models.CharField(max_length=40, help_text="As the EHR names it, e.g. in PV1-3.4")
    address = models.CharField(max_length=200)
    city = models.CharField(max_length=80)
    state = models.CharField(max_length=2)
    zip_code = models.CharField(max_length=10)
    latitude = models.FloatField()
    longitude = models.FloatField()
    time_zone = models.CharField(max_length=60)
    phone = models.CharField(max_length=30, blank=True)
    entrance = models.CharField(max_length=200, blank=True, help_text="Where crews come in")

    class Meta:
        base_manager_name = "objects"
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["tenant_id", "code"], name="accounts_facility_code")]

    def __str__(self) -> str:
        return self.name


class Unit(TenantModel):
    """A nursing unit, with its rule for what a pending discharge does."""

    DRAFT_RULES = [
        ("draft", "Draft a ride and wait for a person"),
        ("off", "Do nothing"),
    ]

    facility = TenantForeignKey(Facility, related_name="units")
    name = models.CharField(max_length=80)
    code = models.CharField(max_length=40, help_text="As the EHR names it in PV1-3.1")
    phone = models.CharField(max_length=30, blank=True)
    draft_rule = models.CharField(max_length=10, choices=DRAFT_RULES, default="draft")
    order = models.IntegerField(default=0)

    class Meta:
        base_manager_name = "objects"
        ordering = ["order", "name"]
        constraints = [models.UniqueConstraint(fields=["tenant_id", "facility", "code"], name="accounts_unit_code")]

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    """People sign in with their email address."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """A new person; the address is stored in lower case."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> User:
        """Look up by address, whatever its case."""
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser):
    """A person who works here. Patients are not users."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120)
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(auto_now_add=True)
    time_format = models.CharField(max_length=2, choices=[("24", "14:30"), ("12", "2:30 pm")], default="24")
    single_key_shortcuts = models.BooleanField(default=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    objects = UserManager()

    def __str__(self) -> str:
        return self.name

    @property
    def is_staff(self) -> bool:
        """No Django admin site exists."""
        return False

    @property
    def initials(self) -> str:
        """Two letters for the avatar."""
        parts = self.name.split()
        return "".join(part[0] for part in (parts[:1] + parts[1:][-1:])).upper()


class Membership(models.Model):
    """A person's role in one organization. One person may have several."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=40, choices=roles.CHOICES)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    units = models.JSONField(default=list, blank=True, help_text="Ids of the person's own units; empty = all")

    class Meta:
        ordering = ["organization__name", "role"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "user", "role"], name="accounts_membership_once"),
        ]

    @property
    def definition(self) -> roles.Role:
        """The role's row in the table of roles."""
        return roles.ROLES[self.role]
