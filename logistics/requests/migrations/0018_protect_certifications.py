"""Row-level security of certifications and authorizations: the health system's own. What was signed, and each try to
get a signature, can be added and read, never changed."""

from django.db import migrations

from logistics.core.rls import APPEND, WRITE, Protect, staff


class Migration(migrations.Migration):
    dependencies = [("requests", "0017_certifications_and_authorizations")]
    operations = [
        Protect("PhysicianCertification", staff(WRITE)),
        Protect("CertificationEvent", staff(APPEND)),
        Protect("CertificationVersion", staff(APPEND)),
        Protect("CertificationAttempt", staff(APPEND)),
        Protect("SignLink", staff(WRITE)),
        Protect("Authorization", staff(WRITE)),
        Protect("AuthorizationEvent", staff(APPEND)),
        Protect("AuthorizationUse", staff(WRITE)),
    ]
