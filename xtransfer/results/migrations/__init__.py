"""Alembic's scripts. `versions/` are the steps, oldest first; a released step is never edited."""
