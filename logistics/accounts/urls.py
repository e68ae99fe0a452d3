"""URLs of the accounts room. ``home`` has no namespace and is listed by the project."""

from __future__ import annotations

from django.urls import path

from logistics.accounts.views import account, people, platform, signing, sites, trail

app_name = "accounts"
urlpatterns = [
    path("sign-in", signing.sign_in, name="sign_in"),
    path("sign-in/code", signing.second_factor, name="second_factor"),
    path("sign-in/enroll", signing.enroll, name="enroll"),
    path("welcome/<uuid:user_id>/<str:token>", signing.welcome, name="welcome"),
    path("sign-out", signing.sign_out, name="sign_out"),
    path("switch", account.switch, name="switch"),
    path("account", account.account, name="account"),
    path("account/preferences", account.preferences, name="preferences"),
    path("account/password", account.password, name="password"),
    path("account/devices/<int:device_id>/remove", account.device_remove, name="device_remove"),
    path("account/recovery-codes", account.recovery_codes, name="recovery_codes"),
    path("account/keep-alive", account.keep_alive, name="keep_alive"),
    path("people", people.people_list, name="people"),
    path("people/add", people.person_add, name="person_add"),
    path("people/<uuid:membership_id>", people.person, name="person"),
    path("people/<uuid:membership_id>/end", people.person_end, name="person_end"),
    path("people/<uuid:membership_id>/restore", people.person_restore, name="person_restore"),
    path("sites", sites.sites, name="sites"),
    path("sites/add", sites.facility_add, name="facility_add"),
    path("sites/<uuid:facility_id>", sites.facility_edit, name="facility_edit"),
    path("sites/<uuid:facility_id>/units/add", sites.unit_add, name="unit_add"),
    path("sites/units/<uuid:unit_id>", sites.unit_edit, name="unit_edit"),
    path("audit", trail.audit_list, name="audit"),
    path("audit/export", trail.audit_export, name="audit_export"),
    path("audit/verify", trail.audit_verify, name="audit_verify"),
    path("organizations", platform.organizations, name="organizations"),
]
