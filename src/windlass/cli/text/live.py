"""A view that is drawn again and again in place."""

import time
from collections.abc import Callable


def show(frame: Callable[[int], str], seconds: float) -> None:
    """Draw `frame(width)` every so many seconds until interrupted; the last one stays on the screen."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console()
    with Live(console=console, auto_refresh=False, vertical_overflow="ellipsis") as live:
        while True:
            live.update(Text.from_ansi(frame(console.width), no_wrap=True, overflow="ellipsis"), refresh=True)
            time.sleep(seconds)
