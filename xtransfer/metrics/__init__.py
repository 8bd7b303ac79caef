"""Every metric, and the aggregates of XTREME and XTREME-R."""
