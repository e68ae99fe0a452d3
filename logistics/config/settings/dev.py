"""A laptop: the demo, on embedded services, over plain HTTP on loopback."""

from __future__ import annotations

from logistics.config import env
from logistics.config.settings.base import *

DEBUG = False  # the demo shows the same error pages as production
SECRET_KEY = env.text("CARRYWELL_SECRET_KEY", "development-only-secret-key-not-for-any-real-patient-data")
# Development key: protects nothing, and production refuses it.
FIELD_KEYS = env.listing("CARRYWELL_FIELD_KEYS", ["dev1:ZGV2ZWxvcG1lbnQtb25seS1maWVsZC1rZXktMzJieXQ="])
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]", "testserver"]
DEMO_MODE = env.flag("CARRYWELL_DEMO", True)
