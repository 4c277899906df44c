"""The sections of the Library."""
