"""One line of the access log, and what it says about a request."""

from dataclasses import dataclass

from windlass.adapters.traffic.envoy.bootstrap import LINE_FIELDS
from windlass.adapters.traffic.envoy.clusters import parse_cluster
from windlass.adapters.traffic.envoy.routes import ABOUT, NAMED

_REFUSALS = (400, 415, 422)
_CALLER_GAVE_UP = frozenset({"DC", "DR"})
_RELEASE_FAILED = frozenset({"UF", "UO", "UT", "LR", "UR", "UC", "UH", "UPE", "UMSDR", "SI", "DT", "OM"})
_UNCOUNTED = (NAMED, ABOUT)


@dataclass(frozen=True, slots=True)
class Line:
    """A finished request that counts. `microseconds` is None where no answer was sent."""

    service: str
    step: str
    release: str
    failed: bool
    refused: bool
    retries: int
    synthetic: bool
    microseconds: int | None
    unit: bytes


def parse_line(text: bytes) -> tuple[bool, Line | None]:
    """Whether the line ends a request, and the request if it counts.

    A stream that is still open has lines of other types; they end nothing.
    """
    fields = text.split(b"\t", len(LINE_FIELDS) - 1)
    if len(fields) != len(LINE_FIELDS) or fields[8] != b"DownstreamEnd":
        return False, None
    service, mark, step = fields[1].decode(errors="replace").partition("/")
    cluster_service, release = parse_cluster(fields[2].decode(errors="replace"))
    if not mark or step in _UNCOUNTED or cluster_service != service:
        return True, None
    code = int(fields[3]) if fields[3].isdigit() else 0
    flags = frozenset(fields[4].decode(errors="replace").split(","))
    attempts = int(fields[7]) if fields[7].isdigit() else 1
    line = Line(
        service=service,
        step=step,
        release=release,
        failed=_has_failed(code, flags),
        refused=code in _REFUSALS,
        retries=max(0, attempts - 1),
        synthetic=fields[9] == b"1",
        microseconds=_duration(fields[5], fields[6]) if code else None,
        unit=b"" if fields[10] == b"-" else fields[10],
    )
    return True, line


def _has_failed(code: int, flags: frozenset[str]) -> bool:
    """A caller who gives up has not seen a failure; one who waits sees 5xx, a time-out or a reset."""
    if code >= 500:
        return True
    if flags & _CALLER_GAVE_UP:
        return False
    return code == 0 or bool(flags & _RELEASE_FAILED)


def _duration(microseconds: bytes, milliseconds: bytes) -> int:
    if microseconds.isdigit():
        return int(microseconds)
    return int(milliseconds) * 1000 if milliseconds.isdigit() else 0
