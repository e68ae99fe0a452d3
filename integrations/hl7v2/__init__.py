"""HL7 version 2: reading, acknowledging and carrying messages. Plain Python, no database, no framework."""
