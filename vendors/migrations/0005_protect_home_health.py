"""Row-level security of agencies: their own profile, and what a health system alone keeps about them."""

from django.db import migrations

from logistics.core.rls import ALL, NETWORK, READ, VENDOR, WRITE, Protect, cross, staff, vendor


class Migration(migrations.Migration):
    dependencies = [("vendors", "0004_home_health")]
    operations = [
        Protect("HomeHealthProfile", vendor(ALL), staff(READ, NETWORK), cross(READ, VENDOR)),
        Protect("AgencyTerms", staff(WRITE)),
    ]
