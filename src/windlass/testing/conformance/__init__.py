"""One kit per port. An adapter passes its kit in four lines: a class with a fixture that makes it.

Adapters that run on a loop of their own, as simulated ones do, override `run`.
"""
