"""Gains predicted from all recorded studies, and how well that works."""
