"""Matching of transport requests to vendors, vehicles and crews.

Plain Python over immutable data: no database, no clock, no settings. Rows become a ``Problem`` outside,
``solve`` turns a problem into a ``Result``, and ``check`` judges a result without sharing code with it.
"""
