"""Deployments of the flows for a Prefect server."""
