"""Gateways that carry out what the site agent wishes, one folder per gateway."""
