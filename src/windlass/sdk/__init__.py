"""What users and the command line import: where a home lies, and the client of the API. Light: no server is needed."""
