"""The model server: one process per replica, which loads one release and answers predictions over a Unix socket.

It runs in the service's own environment, behind the service's own packages, so at import it takes only the standard
library, msgspec, uvicorn and numpy; a runtime is imported by the function that needs it. Three commands share the same
loading and checking: `windlass.serving` answers, `windlass.serving.score` scores a table, `windlass.serving.inspect`
infers the signature. `bootstrap.py` starts each of them in a foreign environment.
"""
