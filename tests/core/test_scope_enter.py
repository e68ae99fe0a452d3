"""Both walls of tenancy at their smallest."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.db.utils import ProgrammingError

from logistics.accounts.models import Facility
from logistics.core import scoping
from logistics.core.scoping import NoScope, Scope, ScopeSwitchRefused
from logistics.requests.models import Patient
from tests.cast import Cast
from tests.support import act_as


def test_rows_cannot_be_named_without_a_scope(cast: Cast) -> None:
    with pytest.raises(NoScope):
        Facility.objects.count()


def test_the_login_role_itself_may_read_no_tenant_table(cast: Cast) -> None:
    refused = pytest.raises(ProgrammingError, match="permission denied")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM requests_patient")


def test_a_health_system_sees_its_own_rows_only_even_without_the_manager(cast: Cast) -> None:
    with act_as(cast.staff()), connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT tenant_id FROM accounts_facility")
        assert [row[0] for row in cursor.fetchall()] == [cast.lakeshore.pk]


def test_a_sealed_field_is_unreadable_in_the_database_and_readable_in_its_row(cast: Cast) -> None:
    with act_as(cast.staff()):
        patient = Patient.objects.create(family_name="Zzyzxcanary", given_name="Ada", address={"zip_code": "53703"})
        with connection.cursor() as cursor:
            cursor.execute("SELECT encode(family_name, 'escape') FROM requests_patient")
            assert "Zzyzx" not in cursor.fetchone()[0]
        again = Patient.objects.get(pk=patient.pk)
        assert again.family_name == "Zzyzxcanary"
        assert again.address == {"zip_code": "53703"}


def test_work_for_one_health_system_never_becomes_work_for_another(cast: Cast) -> None:
    with act_as(cast.staff()), pytest.raises(ScopeSwitchRefused), scoping.enter(Scope.staff(cast.prairie.pk)):
        pass
