"""Supply: vendors and their network, fleet, crews, credentials, shifts, contracts and scorecards."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q

from logistics.accounts.models import Organization
from logistics.core import levels
from logistics.core.fields import TenantForeignKey, VendorForeignKey
from logistics.core.models import TenantModel, VendorModel


class During(Func):
    """``tstzrange(start, end)``, closed at the start and open at the end."""

    function = "TSTZRANGE"
    output_field = DateTimeRangeField()


class VendorProfile(VendorModel):
    """What a vendor offers and from where."""

    levels = models.JSONField(default=list)
    base_address = models.CharField(max_length=200)
    base_zip = models.CharField(max_length=10)
    base_latitude = models.FloatField()
    base_longitude = models.FloatField()
    radius_miles = models.IntegerField(default=40)
    opens_minute = models.IntegerField(default=0, help_text="Minutes after local midnight")
    closes_minute = models.IntegerField(default=1440)
    dispatch_phone = models.CharField(max_length=30, blank=True)
    npi = models.CharField(max_length=10, blank=True)

    class Meta:
        base_manager_name = "objects"
        constraints = [models.UniqueConstraint(fields=["vendor_id"], name="vendors_profile_once")]


class Network(TenantModel):
    """One vendor working for one health system. Without an active row with a BAA no PHI moves."""

    STATUSES = [("invited", "Invited"), ("active", "Active"), ("suspended", "Suspended"), ("ended", "Ended")]

    vendor = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=20, choices=STATUSES, default="invited")
    tier = models.IntegerField(default=1, help_text="1 is asked first")
    hourly_capacity = models.IntegerField(default=12, help_text="Trips that the vendor commits to in an hour")
    baa_signed_on = models.DateField(null=True)
    baa_ends_on = models.DateField(null=True)
    suspended_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        base_manager_name = "objects"
        constraints = [models.UniqueConstraint(fields=["tenant_id", "vendor"], name="vendors_network_once")]


class Vehicle(VendorModel):
    """A vehicle with what it can carry."""

    name = models.CharField(max_length=40, help_text="As crews call it, e.g. Tamarack 12")
    level = models.CharField(max_length=10, choices=levels.CHOICES, help_text="Highest level it may run")
    also_levels = models.JSONField(default=list)
    seats = models.IntegerField(default=1)
    wheelchairs = models.IntegerField(default=0)
    stretchers = models.IntegerField(default=0)
    lift_lb = models.IntegerField(null=True, help_text="Lift or stretcher rating")
    door_in = models.IntegerField(null=True, help_text="Clear width of lift or door")
    plate = models.CharField(max_length=20, blank=True)
    out_of_service = models.BooleanField(default=False)
    out_of_service_reason = models.CharField(max_length=120, blank=True)
    decontamination_minutes = models.IntegerField(default=20)

    class Meta:
        base_manager_name = "objects"
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["vendor_id", "name"], name="vendors_vehicle_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def levels(self) -> list[str]:
        """Every level that it may run."""
        return [self.level, *self.also_levels]


class CrewMember(VendorModel):
    """A driver, attendant or clinician of a vendor."""

    LEVELS = [
        ("driver", "Driver"),
        ("attendant", "Attendant"),
        ("emt", "EMT"),
        ("paramedic", "Paramedic"),
        ("rn", "Nurse"),
        ("rt", "Respiratory therapist"),
        ("pt", "Physical therapist"),
        ("ot", "Occupational therapist"),
        ("st", "Speech therapist"),
        ("msw", "Medical social worker"),
        ("aide", "Home health aide"),
    ]

    name = models.CharField(max_length=120)
    level = models.CharField(max_length=12, choices=LEVELS)
    phone = models.CharField(max_length=30, blank=True)
    user_id = models.UUIDField(null=True, help_text="The person's sign-in, if any")
    is_active = models.BooleanField(default=True)

    class Meta:
        base_manager_name = "objects"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["vendor_id", "user_id"], name="vendors_crew_user_once"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def short_name(self) -> str:
        """``Ruiz, M``."""
        parts = self.name.split()
        return f"{parts[-1]}, {parts[0][0]}" if len(parts) > 1 else self.name


class Credential(VendorModel):
    """A licence, certificate or policy of the vendor, a crew member or a vehicle, with its end."""

    KINDS = [
        ("vendor_license", "Transport license"),
        ("insurance", "Liability insurance"),
        ("driver_license", "Driver license"),
        ("cpr", "CPR card"),
        ("securement", "Wheelchair securement training"),
        ("emt_card", "EMT card"),
        ("paramedic_card", "Paramedic card"),
        ("rn_license", "Nursing license"),
        ("rt_license", "Respiratory care license"),
        ("inspection", "Vehicle inspection"),
        ("agency_license", "Home health agency license"),
        ("therapy_license", "Therapy license"),
        ("social_work_license", "Social work license"),
        ("aide_certificate", "Home health aide certificate"),
    ]

    kind = models.CharField(max_length=20, choices=KINDS)
    crew_member = VendorForeignKey(CrewMember, null=True, on_delete=models.CASCADE, related_name="credentials")
    vehicle = VendorForeignKey(Vehicle, null=True, on_delete=models.CASCADE, related_name="credentials")
    number = models.CharField(max_length=40, blank=True)
    starts_on = models.DateField(null=True)
    ends_on = models.DateField()
    verified_by_name = models.CharField(max_length=120, blank=True)
    verified_on = models.DateField(null=True)

    class Meta:
        base_manager_name = "objects"
        ordering = ["ends_on"]
        indexes = [models.Index(fields=["vendor_id", "kind"])]


class Shift(VendorModel):
    """A vehicle on duty with its crew."""

    vehicle = VendorForeignKey(Vehicle, related_name="shifts")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    class Meta:
        base_manager_name = "objects"
        ordering = ["starts_at"]
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="vendors_shift_order"),
            ExclusionConstraint(
                name="vendors_shift_vehicle_once",
                expressions=[
                    ("vendor_id", RangeOperators.EQUAL),
                    ("vehicle", RangeOperators.EQUAL),
                    (During("starts_at", "ends_at"), RangeOperators.OVERLAPS),
                ],
            ),
        ]


class ShiftCrew(VendorModel):
    """Who is on a shift."""

    shift = VendorForeignKey(Shift, on_delete=models.CASCADE, related_name="crew_rows")
    crew_member = VendorForeignKey(CrewMember, related_name="shift_rows")

    class Meta:
        base_manager_name = "objects"
        constraints = [
            models.UniqueConstraint(fields=["vendor_id", "shift", "crew_member"], name="vendors_shiftcrew_once"),
        ]


class Commitment(VendorModel):
    """Time that a vehicle is taken, without saying by whom.

    A health system that plans with a vendor must know when a vehicle is busy and where it will be then, and
    must not learn for whom: so this row names no trip, no patient and no other health system. Places are
    rounded to about a kilometre.
    """

    vehicle = VendorForeignKey(Vehicle, related_name="commitments")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    start_latitude = models.FloatField()
    start_longitude = models.FloatField()
    end_latitude = models.FloatField()
    end_longitude = models.FloatField()
    is_active = models.BooleanField(default=True)

    class Meta:
        base_manager_name = "objects"
        ordering = ["starts_at"]
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="vendors_commitment_order"),
            ExclusionConstraint(
                name="vendors_commitment_vehicle_once",
                expressions=[
                    ("vendor_id", RangeOperators.EQUAL),
                    ("vehicle", RangeOperators.EQUAL),
                    (During("starts_at", "ends_at"), RangeOperators.OVERLAPS),
                ],
                condition=Q(is_active=True),
            ),
        ]


class CommitmentCrew(VendorModel):
    """Time that a crew member is taken."""

    commitment = VendorForeignKey(Commitment, on_delete=models.CASCADE, related_name="crew_rows")
    crew_member = VendorForeignKey(CrewMember, related_name="commitment_rows")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    is_active = models.BooleanField(default=True)

    class Meta:
        base_manager_name = "objects"
        constraints = [
            ExclusionConstraint(
                name="vendors_commitment_crew_once",
                expressions=[
                    ("vendor_id", RangeOperators.EQUAL),
                    ("crew_member", RangeOperators.EQUAL),
                    (During("starts_at", "ends_at"), RangeOperators.OVERLAPS),
                ],
                condition=Q(is_active=True),
            ),
        ]


class Contract(TenantModel):
    """A version of the terms between one health system and one vendor. A signed version never changes."""

    STATUSES = [("draft", "Draft"), ("signed", "Signed"), ("ended", "Ended")]

    vendor = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    version = models.IntegerField(default=1)
    status = models.CharField(max_length=10, choices=STATUSES, default="draft")
    effective_from = models.DateField()
    effective_to = models.DateField(null=True)
    response_minutes = models.IntegerField(default=7, help_text="How long an offer stays open")
    on_time_tolerance_minutes = models.IntegerField(default=15)
    cancel_free_minutes = models.IntegerField(
        default=0, help_text="Canceled this long before the pickup, or longer, it costs nothing"
    )
    cancel_late_amount = models.DecimalField(max_digits=9, decimal_places=2, default=0, help_text="Later than that")
    cancel_en_route_amount = models.DecimalField(max_digits=9, decimal_places=2, default=0)
    cancel_at_door_amount = models.DecimalField(max_digits=9, decimal_places=2, default=0)
    signed_by_name = models.CharField(max_length=120, blank=True)
    signed_at = models.DateTimeField(null=True)

    class Meta:
        base_manager_name = "objects"
        ordering = ["-version"]
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "vendor", "version"], name="vendors_contract_version"),
            ExclusionConstraint(
                name="vendors_contract_in_force_once",
                expressions=[
                    ("tenant_id", RangeOperators.EQUAL),
                    ("vendor", RangeOperators.EQUAL),
                    (
                        Func("effective_from", "effective_to", models.Value("[)"), function="DATERANGE"),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                condition=Q(status="signed"),
            ),
        ]


class Rate(TenantModel):
    """Price of one level in a contract: base, included miles, price per loaded mile, minimum."""

    ROUNDINGS = [("ceil_tenth", "Up to a tenth"), ("nearest_tenth", "Nearest tenth"), ("none", "As measured")]

    vendor_id = models.UUIDField(editable=False)
    contract = TenantForeignKey(Contract, on_delete=models.CASCADE, related_name="rates")
    level = models.CharField(max_length=10, choices=levels.CHOICES)
    base_amount = models.DecimalField(max_digits=9, decimal_places=2)
    included_miles = models.DecimalField(max_digits=6, decimal_places=1, default=0)
    mile_amount = models.DecimalField(max_digits=7, decimal_places=2)
    mile_rounding = models.CharField(max_length=20, choices=ROUNDINGS, default="ceil_tenth")
    minimum_amount = models.DecimalField(max_digits=9, decimal_places=2, default=0)
    wait_free_minutes = models.IntegerField(default=0)
    wait_unit_minutes = models.IntegerField(default=15, help_text="Waiting is paid by begun units of this length")
    wait_unit_amount = models.DecimalField(max_digits=9, decimal_places=2, default=0)

    class Meta:
        base_manager_name = "objects"
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "contract", "level"], name="vendors_rate_level"),
        ]


class Scorecard(TenantModel):
    """One vendor's month for one health system: computed figures, each with its n and the trips behind it.

    ``figures`` maps a metric to ``{"value", "numerator", "n", "unit", "target", "trip_ids"}``; a metric with
    n = 0 has no value.
    """

    vendor_id = models.UUIDField(editable=False)
    month = models.DateField(help_text="First day of the month")
    figures = models.JSONField(default=dict)
    trips = models.IntegerField(default=0)
    computed_at = models.DateTimeField()

    class Meta:
        base_manager_name = "objects"
        constraints = [
            models.UniqueConstraint(fields=["tenant_id", "vendor_id", "month"], name="vendors_scorecard_month"),
        ]
