"""Settings shared by development, test and production."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import dj_database_url
from celery.schedules import crontab
from csp.constants import NONE, SELF

from logistics.config import env

BASE_DIR = Path(__file__).resolve().parent.parent.parent.parent
RUN_DIR = Path(env.text("CARRYWELL_RUN_DIR", str(BASE_DIR / ".run")))
VERSION = "0.1.0"

INSTALLED_APPS = [
    "logistics.core",
    "logistics.accounts",
    "logistics.requests",
    "vendors",
    "dispatch",
    "billing",
    "integrations",
    "logistics.messaging",
    "logistics.insights",
    "logistics.config",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "axes",
    "csp",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_structlog",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "logistics.core.middleware.RequestIdMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "logistics.accounts.middleware.ScopeMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "logistics.config.urls"
WSGI_APPLICATION = "logistics.config.wsgi.application"
ASGI_APPLICATION = "logistics.config.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "logistics.accounts.context.shell",
            ],
            "builtins": ["logistics.core.templatetags.carrywell", "django.templatetags.static"],
        },
    }
]

DATABASES = {
    "default": {
        **dj_database_url.parse(
            env.text("DATABASE_URL", "postgresql://cw_app@127.0.0.1:5432/carrywell"),
            conn_max_age=600,
            conn_health_checks=True,
        ),
        "DISABLE_SERVER_SIDE_CURSORS": True,  # a pooler in transaction mode stays possible
        "TEST": {"NAME": env.text("CARRYWELL_TEST_DATABASE", "test_carrywell")},
    }
}
# The role that owns the tables: migrations and test databases only (core.owner).
DATABASE_OWNER_URL = env.text("DATABASE_OWNER_URL", "")
REDIS_URL = env.text("REDIS_URL", "redis://127.0.0.1:6379/0")
LIVE_STREAM_PREFIX = "live:"

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "accounts:sign_in"
LOGIN_REDIRECT_URL = "home"
OTP_TOTP_ISSUER = "Carrywell"
OTP_TOTP_THROTTLE_FACTOR = 1

# Lockout per account and address together, so that a stranger cannot lock a person out from elsewhere.
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = dt.timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
# A locked pair opens again after the time above, however often somebody goes on trying.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address"]
AXES_VERBOSE = False
AXES_LOCKOUT_CALLABLE = "logistics.accounts.lockout.locked_out"
AXES_ENABLE_ADMIN = False
AXES_DISABLE_ACCESS_LOG = True

SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME = "carrywell_session"
SESSION_IDLE_MINUTES = 15  # 45 CFR 164.312(a)(2)(iii), automatic logoff
SESSION_ABSOLUTE_HOURS = 12
SESSION_COOKIE_AGE = SESSION_ABSOLUTE_HOURS * 3600
CSRF_COOKIE_HTTPONLY = False
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "logistics.core.views.csrf_failure"

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "manifest-src": [SELF],
        "worker-src": [SELF],
    }
}

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = RUN_DIR / "static"
WHITENOISE_USE_FINDERS = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024

CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}

CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {
    "integrations.tasks.apply_message": {"queue": "adt"},
    "dispatch.tasks.*": {"queue": "match"},
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
# Without the restore settings a task of a killed worker waits about 100 s whatever the timeout says.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 120,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
}
CELERY_BEAT_SCHEDULE = {
    "dispatch-tick": {"task": "dispatch.tasks.tick", "schedule": 5.0, "options": {"expires": 5}},
    "inbound-sweep": {"task": "integrations.tasks.sweep", "schedule": 10.0, "options": {"expires": 10}},
    "outbox-resend": {
        "task": "logistics.core.tasks.resend_stale",
        "schedule": 30.0,
        "options": {"expires": 30},
    },
    "approvals-escalate": {
        "task": "logistics.requests.tasks.escalate_approvals",
        "schedule": 30.0,
        "options": {"expires": 30},
    },
    "audit-seal": {"task": "logistics.core.tasks.seal_audit", "schedule": 60.0, "options": {"expires": 60}},
    "standing-orders": {
        "task": "logistics.requests.tasks.look_ahead",
        "schedule": crontab(minute="*/10"),
        "options": {"expires": 600},
    },
    "scorecards": {
        "task": "logistics.insights.tasks.publish_scorecards",
        "schedule": crontab(minute=15),
        "options": {"expires": 3000},
    },
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "logistics.core.api.exception_handler",
}
SPECTACULAR_SETTINGS = {"TITLE": "Carrywell API", "VERSION": VERSION, "SERVE_INCLUDE_SCHEMA": False}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "logistics.core.logs.SafeFormatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "logistics": {"level": "INFO"},
        "integrations": {"level": "INFO"},
        "dispatch": {"level": "INFO"},
        "django.request": {"level": "ERROR"},
        "django.db.backends": {"level": "ERROR"},
    },
}

MLLP_HOST = env.text("MLLP_HOST", "127.0.0.1")
MLLP_PORT = env.integer("MLLP_PORT", 2575)
PORT = env.integer("PORT", 8000)
DEMO_MODE = False
# A road service (OSRM or Valhalla) of the site's own; without one, ways are estimated and labeled so.
ROUTER_URL = env.text("CARRYWELL_ROUTER_URL", "")
ROUTER_KIND = env.text("CARRYWELL_ROUTER_KIND", "osrm")
HELP_DESK = env.text("CARRYWELL_HELP_DESK", "")  # what people may call, shown on every page
