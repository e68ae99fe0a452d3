"""A hospital that is not there: invents patients and tells of them over a real MLLP line, as an EHR would.

It knows nothing of the product: units and beds come from a small file, everything else is its own state.
"""
