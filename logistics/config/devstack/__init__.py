"""The embedded PostgreSQL and Valkey of a laptop, and the processes that make up a running Carrywell.

`python -m logistics.config.devstack` is its command line (see `__main__`); `attach.ensure()` serves
manage.py. Nothing here imports Django, since it starts what Django needs before Django is set up.
"""
