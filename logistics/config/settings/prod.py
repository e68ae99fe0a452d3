"""Production: refuses to start without its secrets, or with development's."""

from __future__ import annotations

from logistics.config import env
from logistics.config.settings.base import *

DEBUG = False
DEMO_MODE = False
SECRET_KEY = env.text("CARRYWELL_SECRET_KEY")
FIELD_KEYS = env.listing("CARRYWELL_FIELD_KEYS")
ALLOWED_HOSTS = env.listing("CARRYWELL_HOSTS")
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS]
env.text("DATABASE_URL")
env.text("REDIS_URL")
if len(SECRET_KEY) < 50 or "development" in SECRET_KEY:
    raise env.BadEnvironment("CARRYWELL_SECRET_KEY must be a random value of at least 50 characters.")
if any(key.startswith("dev") for key in FIELD_KEYS):
    raise env.BadEnvironment("CARRYWELL_FIELD_KEYS still holds a development key: make one with openssl rand.")

SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
SECURE_SSL_REDIRECT = env.flag("CARRYWELL_SSL_REDIRECT", True)
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 31536000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
