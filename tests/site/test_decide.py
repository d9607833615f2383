"""What a site does next, as a table."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.site.worlds import RELEASES, SERVICE, A, B, name_of, replica, slice_of, socket_of, words_of
from windlass.delivery.services.names import replica_name
from windlass.delivery.services.types import ReplicaSet
from windlass.kernel.instants import Instant, later
from windlass.ports.traffic import Endpoints, TrafficWish
from windlass.site.decide import decide
from windlass.site.types import History, Orders, SiteView
from windlass.testing.tables import Row, read_table

NOW = Instant(1_000_000)
NUMBERS = ("0", "1")


@pytest.mark.parametrize("row", read_table(Path(__file__).with_name("decide.txt")), ids=str)
def test_orders(row: Row) -> None:
    """Every row of decide.txt is what the site orders next."""
    orders = decide(view_of(row))
    assert row["routes"] == " ".join(words_of(piece) for piece in orders.services)
    assert row["endpoints"] == " ".join(_letters(path) for one in orders.endpoints for path in one.sockets)
    assert row["unready"] == ("yes" if orders.unready else "no")
    assert row["orders"] == _acts(orders)


def view_of(row: Row) -> SiteView:
    slices = (slice_of(row["plan"]),) if row["plan"] else ()
    services = (slice_of(row["routed"]),) if row["routed"] else ()
    idle_since = {(SERVICE, A): later(NOW, seconds=-float(row["idle"]))} if row["idle"] else {}
    return SiteView(
        NOW,
        slices,
        tuple(replica(text) for text in row["replicas"].split()),
        TrafficWish("1.1", services, tuple(_at(row["at"].split()))),
        idle_since=idle_since,
    )


def _at(names: list[str]) -> Iterator[Endpoints]:
    for letter, release in RELEASES.items():
        sockets = tuple(socket_of(name) for name in names if name[0] == letter)
        if sockets:
            yield Endpoints(SERVICE, release, sockets)


def _letters(path: str) -> str:
    names = {socket_of(f"{letter}{number}"): f"{letter}{number}" for letter in RELEASES for number in NUMBERS}
    return names[path]


def _acts(orders: Orders) -> str:
    names = {name_of(f"{letter}{number}"): f"{letter}{number}" for letter in RELEASES for number in NUMBERS}
    starts = sorted(f"+{names[wanted.name]}" for wanted in orders.start)
    stops = sorted(f"-{names[stop.name]}" for stop in orders.stop)
    return " ".join([*starts, *stops])


@pytest.mark.parametrize(
    ("banned", "routes"),
    [((), "s2 a95 b5"), ((B,), "s2 a100"), ((A,), "s2 b100"), ((A, B), "s2 a100")],
    ids=["none", "candidate", "champion", "all"],
)
def test_what_is_banned_goes_before_the_next_release_is_ready(banned: tuple[str, ...], routes: str) -> None:
    """Until the release of the plan is ready what is routed goes on, without what the plan bans; of two the champion
    stays, because somebody must answer."""
    routed = TrafficWish("1.1", (slice_of("s2 a95 b5"),), tuple(_at(["a0", "b0"])))
    running = tuple(replica(text) for text in ("a0:ready", "b0:ready", "c0:starting"))
    orders = decide(SiteView(NOW, (slice_of("s3 c100", banned=banned),), running, routed))
    assert routes == words_of(orders.services[0])


def test_a_failed_replica_waits_for_its_pause() -> None:
    """A replica that failed is started again when its pause is over, and not before."""
    view = SiteView(NOW, (slice_of("s1 a100"),), (replica("a0:failed"),))
    for retry_at, started in ((NOW + 1, 0), (NOW, 1)):
        history = {name_of("a0"): History("failed", NOW, 3, Instant(retry_at))}
        assert started == len(decide(replace(view, history=history)).start)


def test_a_replica_gets_what_its_service_allows() -> None:
    """Memory and time-out of the slice reach the replica, and its drain lasts as long as a request may."""
    piece = slice_of("s1 a100", timeout_seconds=3.0)
    piece = replace(piece, replicas=(ReplicaSet(A, 1, 64 << 20),))
    orders = decide(SiteView(NOW, (piece,), (replica("b0:ready"),)))
    assert [(64 << 20, 3.0)] == [(wanted.memory_bytes, wanted.timeout_seconds) for wanted in orders.start]
    assert [3.0] == [stop.drain_seconds for stop in orders.stop]


def test_another_time_out_replaces_the_replicas_without_a_gap() -> None:
    """A running replica keeps the limits it was started with: new ones start beside it, take the callers once all of
    them are ready, and only then the old one goes."""
    piece = slice_of("s1 a100x2", timeout_seconds=3.0)
    olds = tuple(replica(text) for text in ("a0:ready", "a1:ready"))
    news = [replace(one, name=name_of(text, timeout_seconds=3.0)) for one, text in zip(olds, ("a0", "a1"), strict=True)]
    new, other = (replace(one, socket=f"/r/{one.name}.sock") for one in news)
    old_sockets = tuple(sorted(one.socket for one in olds))
    routed = TrafficWish("1.1", (slice_of("s1 a100x2"),), (Endpoints(SERVICE, A, old_sockets),))

    first = decide(SiteView(NOW, (piece,), olds, routed))
    assert ({new.name, other.name}, ()) == ({one.name for one in first.start}, first.stop)
    assert ([old_sockets], (SERVICE,)) == ([one.sockets for one in first.endpoints], first.unready)
    half = decide(SiteView(NOW, (piece,), (*olds, new, replace(other, state="starting")), routed))
    assert {*old_sockets, new.socket} == set(half.endpoints[0].sockets)
    whole = decide(SiteView(NOW, (piece,), (*olds, new, other), routed))
    assert ({new.socket, other.socket}, ()) == (set(whole.endpoints[0].sockets), whole.stop)
    assert () == whole.unready
    after = decide(SiteView(NOW, (piece,), (*olds, new, other), replace(routed, endpoints=whole.endpoints)))
    assert {one.name for one in olds} == {stop.name for stop in after.stop}


def test_services_do_not_share_replicas() -> None:
    """Two services of the same release have replicas and endpoints of their own, and so have those with long names."""
    long = "a-service-with-a-very-long-name"
    services = ("fraud", f"{long}-1", f"{long}-2")
    names = {replica_name(service, B, number, 0, 10.0) for service in services for number in (0, 1)}
    assert 6 == len(names)
    assert max(len(name) for name in names) <= 31
    slices = (slice_of("s1 a100", "churn"), slice_of("s1 a100"))
    orders = decide(SiteView(NOW, slices, (replica("a0:ready", "churn"), replica("a0:ready"))))
    assert [("churn", A), ("fraud", A)] == [(one.service, one.release) for one in orders.endpoints]
    assert 2 == len({one.sockets for one in orders.endpoints})
