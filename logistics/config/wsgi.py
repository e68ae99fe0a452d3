"""The pages, as a WSGI application."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", f"logistics.config.settings.{os.environ.get('CARRYWELL_ENV', 'dev')}")

application = get_wsgi_application()
