"""Addresses of certifications and authorizations (part of ``requests``)."""

from __future__ import annotations

from django.urls import path

from logistics.requests.views import authorizations, certificates, certificates_sign

urlpatterns = [
    path("certificates", certificates.cert_index, name="certs"),
    path("certificates/new", certificates.cert_new, name="cert_new"),
    path("certificates/of/<uuid:request_id>", certificates.cert_panel, name="cert_panel"),
    path("certificates/of/<uuid:request_id>/begin", certificates.cert_begin, name="cert_begin"),
    path("certificates/links/<uuid:link_id>/end", certificates.cert_link_end, name="cert_link_end"),
    path("certificates/<uuid:certification_id>", certificates.cert_page, name="cert"),
    path("certificates/<uuid:certification_id>/edit", certificates.cert_edit, name="cert_edit"),
    path("certificates/<uuid:certification_id>/sign", certificates_sign.cert_sign, name="cert_sign"),
    path("certificates/<uuid:certification_id>/paper", certificates_sign.cert_paper, name="cert_paper"),
    path("certificates/<uuid:certification_id>/amend", certificates.cert_amend, name="cert_amend"),
    path("certificates/<uuid:certification_id>/void", certificates.cert_void, name="cert_void"),
    path("certificates/<uuid:certification_id>/attempt", certificates.cert_attempt, name="cert_attempt"),
    path("certificates/<uuid:certification_id>/link", certificates.cert_link, name="cert_link"),
    path("certificates/<uuid:certification_id>/print", certificates.cert_print, name="cert_print"),
    path(
        "certificates/<uuid:certification_id>/signature/<int:version>",
        certificates_sign.cert_signature,
        name="cert_signature",
    ),
    path("sign/<str:token>", certificates_sign.sign_link, name="sign_link"),
    path("authorizations", authorizations.auth_index, name="authorizations"),
    path("authorizations/export", authorizations.auth_export, name="authorization_export"),
    path("authorizations/new", authorizations.auth_new, name="authorization_new"),
    path("authorizations/waiting/<uuid:gate_id>", authorizations.auth_let_go, name="authorization_let_go"),
    path("authorizations/<uuid:authorization_id>", authorizations.auth_page, name="authorization"),
    path("authorizations/<uuid:authorization_id>/edit", authorizations.auth_edit, name="authorization_edit"),
    path("authorizations/<uuid:authorization_id>/decide", authorizations.auth_decide, name="authorization_decide"),
    path("authorizations/<uuid:authorization_id>/step", authorizations.auth_step, name="authorization_step"),
    path(
        "authorizations/<uuid:authorization_id>/withdraw", authorizations.auth_withdraw, name="authorization_withdraw"
    ),
]
