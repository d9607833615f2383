"""The public kit for tests: generated worlds, a table reader and conformance suites for ports."""
