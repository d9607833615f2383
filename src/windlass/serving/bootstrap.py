"""Starts one of our modules in a foreign environment: `python bootstrap.py OVERLAY MODULE ARGUMENT...`

The overlay is appended last to `sys.path`, so that the service's own versions win over ours. This file stands alone and
needs the standard library only. Its folder and the working directory are taken off the path first: neither holds
modules that anybody may import by chance.
"""

import sys

if __name__ == "__main__":
    sys.path[:] = [entry for entry in sys.path[1:] if entry]

    import runpy

    overlay, module = sys.argv[1], sys.argv[2]
    if overlay:
        sys.path.append(overlay)
    sys.argv = [module, *sys.argv[3:]]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
