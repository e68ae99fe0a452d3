"""Row-level security of addresses, merges and attachments: the health system's own."""

from django.db import migrations

from logistics.core.rls import APPEND, WRITE, Protect, staff


class Migration(migrations.Migration):
    dependencies = [("requests", "0019_patient_records")]
    operations = [
        # A home that was known is never rewritten: only that it was confirmed is added.
        Protect("PatientAddress", staff(WRITE, columns=("confirmed_at", "confirmed_by_name", "patient_id"))),
        Protect("PatientMerge", staff(APPEND)),
        Protect("Attachment", staff(WRITE, columns=("removed_at", "removed_by_name"))),
    ]
