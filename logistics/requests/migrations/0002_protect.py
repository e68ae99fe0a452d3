"""Row-level security of demand. No vendor reads any of it: trips carry their own sealed copy."""

from django.db import migrations

from logistics.core.rls import ALL, APPEND, WRITE, Protect, staff

MODELS = [
    ("Patient", WRITE),
    ("PatientIdentifier", ALL),
    ("PatientToken", ALL),
    ("Bed", WRITE),
    ("Encounter", WRITE),
    ("EncounterEvent", APPEND),
    ("Tombstone", ALL),
    ("Discharge", WRITE),
    ("DischargeEvent", APPEND),
    ("Place", WRITE),
    ("ServiceRequest", WRITE),
    ("RequestEvent", APPEND),
    ("TransportDetail", WRITE),
    ("Alert", WRITE),
]


class Migration(migrations.Migration):
    dependencies = [("requests", "0001_initial"), ("accounts", "0002_protect")]
    operations = [Protect(model, staff(privileges)) for model, privileges in MODELS]
