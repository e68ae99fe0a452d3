"""Carrywell: patient logistics. The Django project and the rooms that every other room stands on."""

from logistics.config.celery import app as celery_app

__all__ = ["celery_app"]
