"""Whoever kills the process, whenever: what was acknowledged is there, and what is there is whole."""

import asyncio
import random
import subprocess
import sys
from pathlib import Path

from windlass.adapters.store.sqlite import SqliteStore
from windlass.facts.fold import fold_all
from windlass.ports.store import FactQuery, Stored

_WRITER = """
import asyncio, sys
from windlass.adapters.store.sqlite import SqliteStore
from windlass.delivery.services.types import ServiceSlice
from windlass.facts import types as kinds
from windlass.facts.fold import fold
from windlass.facts.ledger import Fact
from windlass.facts.state import ServiceState
from windlass.ports.store import Change

async def main():
    store = SqliteStore(sys.argv[1])
    while True:
        stored = await store.load()
        number = stored.generation + 1
        facts = [Fact("a", number, kinds.ActAsked(f"{number}-{i}", "pause", "ann", "x" * 3000)) for i in range(3)]
        state = stored.services.get("a", ServiceState("a"))
        for fact in facts:
            state = fold(state, fact)
        slices = {"a": ServiceSlice("a", f"s{number}", (), ())}
        assert await store.commit(Change(stored.generation, tuple(facts), (), (state,), slices))
        print(number, flush=True)

asyncio.run(main())
"""

ROUNDS = 3


async def _read(path: str) -> tuple[Stored, tuple[str, ...]]:
    store = SqliteStore(path)
    stored, facts = await store.load(), await store.facts(FactQuery(limit=1_000_000))
    await store.close()
    if stored.generation:
        assert stored.services["a"] == fold_all("a", facts)
    return stored, tuple(fact.body.act for fact in facts)


def test_a_kill_loses_nothing_acknowledged(tmp_path: Path) -> None:
    """After each of several kills the file opens, holds every acknowledged commit whole, and goes on."""
    path = str(tmp_path / "facts.db")
    chance = random.Random(7)
    for _ in range(ROUNDS):
        last = 0
        with subprocess.Popen([sys.executable, "-c", _WRITER, path], stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            for _ in range(chance.randint(1, 30)):
                last = int(writer.stdout.readline())
            writer.kill()
            last = max([last, *(int(line) for line in writer.stdout if line.endswith("\n"))])
        stored, acts = asyncio.run(_read(path))
        assert last <= stored.generation <= last + 1
        assert acts == tuple(f"{number}-{i}" for number in range(1, stored.generation + 1) for i in range(3))
        assert stored.slices["a"].step_id == f"s{stored.generation}"
        assert stored.plan_generation == stored.generation
