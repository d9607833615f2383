"""The model server: one process per replica, started by fork."""
