"""Sources answer: what does a commit want? A Git tree becomes desired services, or complaints with file, line and
column.

`parse.py` reads one `windlass.yaml`, `tree.py` a whole commit, `decide.py` says which facts that makes. A bad file
holds only its own service, and nothing that a file says is ignored.
"""
