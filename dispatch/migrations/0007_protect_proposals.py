"""Row-level security of proposed changes: the vendor that has the trip reads what it is asked and answers.

What is written into the request afterwards (``wanted``) may name an address: no vendor's role reads that column.
"""

from django.db import migrations

from logistics.core.rls import APPEND, CROSS, READ, WRITE, Link, Protect, cross, staff, vendor

READABLE = (
    "id", "tenant_id", "trip_id", "vendor_id", "kind", "status", "brief", "price_amount", "rate_id", "reason", "due_at",
    "proposed_by_name", "answered_at", "answered_by_name", "answer_note", "created_at",
)  # fmt: skip
ANSWER = ("status", "answered_at", "answered_by_name", "answer_note")


class Migration(migrations.Migration):
    dependencies = [("dispatch", "0006_proposals_and_bundles")]
    operations = [
        Protect(
            "Proposal",
            staff(WRITE),
            vendor(READ, read_columns=READABLE),
            cross("SELECT, UPDATE", CROSS, columns=ANSWER, read_columns=READABLE),
        ),
        Protect("ProposalEvent", staff(APPEND), vendor(READ), cross(APPEND, CROSS)),
        Link("Offer", "lead"),
    ]
