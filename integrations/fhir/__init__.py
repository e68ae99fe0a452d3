"""FHIR R4 resources of what Carrywell keeps, and back."""
