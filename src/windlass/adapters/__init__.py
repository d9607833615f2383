"""The world behind the ports, one folder per port; a vendor library is imported in its own folder only."""
