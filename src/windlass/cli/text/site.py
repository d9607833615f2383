"""What the site agent says of itself, for the time when the control plane is dead."""

from collections.abc import Iterator, Mapping
from typing import Any

from windlass.cli.talk import Paint, harmless
from windlass.cli.text.layout import percent, wrapped
from windlass.kernel.digests import short
from windlass.kernel.instants import span


def site_lines(seen: Mapping[str, Any], paint: Paint, width: int) -> Iterator[str]:
    """The site's own status: routes, replicas, and where a rollback would lead."""
    words = f"the control plane does not answer ({seen['control_plane']}); this is what the site alone knows"
    for line in wrapped("", harmless(words), width):
        yield paint(line, "yellow")
    yield f"site {harmless(str(seen['site']))}, plan {seen['generation']}, alone for {span(seen['alone_seconds'])}"
    for item in seen["items"]:
        yield ""
        yield paint(harmless(str(item["service"])), "bold")
        for route in item["routes"]:
            share = percent(route["weight"] / 10_000)
            yield f"  {harmless(str(route['role'])):<12}{short(route['release'])} {share:>6}"
        for replica in item["replicas"]:
            state = f"{replica['state']}: {replica['words']}".rstrip(": ")
            yield from wrapped(f"  {'replica':<12}", harmless(f"{replica['name']} {state}"), width)
        if item.get("way_back"):
            yield f"  {'way back':<12}{short(item['way_back'])} (`windlass rollback {harmless(str(item['service']))}`)"
        if item.get("stuck"):
            yield from wrapped(f"  {'stuck':<12}", harmless(str(item["stuck"])), width)
    for entry in seen.get("journal", ()):
        words = f"{entry['verb']} of {entry['service']} by {entry['who']}: {entry['reason']}"
        yield from wrapped("done alone: ", harmless(words), width)
