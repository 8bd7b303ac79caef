"""What `xtransfer serve` is made of: pool and deployments, the worker's process, and what a killed run leaves."""
