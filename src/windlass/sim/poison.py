"""Poisoned files and plans: what nobody should follow, made from a good one.

Half of them are good text that was cut, doubled or scrambled; the others say wrong things in the right form. A few turn
out harmless: whoever reads them must see which.
"""

import json
import random
from collections.abc import Callable

LINES = (
    "gate: []",
    "gate: [roc_auc >= 2]",
    "rollout: {steps: [0.5, 0.2, 1.0]}",
    "rollout: {steps: []}",
    "rollout: {limits: [errors <= 200%]}",
    "rollout: {time_limit: -1h}",
    "replicas: -3",
    "replicas: 1000000",
    "memory: -1",
    "timeout: 0s",
    "unknown_key: 1",
    "service: other name",
    "train: ''",
    "data: [1, 2]",
    "data: {holdout: ../../etc/passwd, label: label}",
    "freeze: [never]",
    "monitors: &a [*a]",
    "alerts: !!python/object:os.system [true]",
    "windlass: 999",
    "include: [/etc]",
)
VALUES: tuple[object, ...] = (
    None,
    True,
    -1,
    0,
    1e308,
    10**30,
    "",
    "\x00",
    "../..",
    "\u202e",
    [],
    {},
    [[]],
    [None],
    "9" * 400,
)


def poisoned_spec(good: str, chance: random.Random) -> bytes:
    """A `windlass.yaml` that was damaged, or that says what it must not."""
    draw = chance.randrange(6)
    if draw == 0:
        return _scrambled(good.encode(), chance)
    if draw == 1:
        return good.encode()[: chance.randrange(len(good))]
    if draw == 2:
        return (good + good).encode()
    if draw == 3:
        return b"[" * chance.choice([100, 100_000])
    if draw == 4:
        return bytes(chance.getrandbits(8) for _ in range(chance.randrange(1, 400)))
    line = chance.choice(LINES)
    kept = [one for one in good.splitlines() if one.partition(":")[0] != line.partition(":")[0]]
    return "\n".join([*kept, line, ""]).encode()


def poisoned_payload(good: str, chance: random.Random) -> str:
    """The payload of a plan that was damaged, or that says what it must not."""
    draw = chance.randrange(4)
    if draw == 0:
        return _scrambled(good.encode(), chance).decode(errors="replace")
    if draw == 1:
        return good[: chance.randrange(len(good))]
    if draw == 2:
        return "[" * chance.choice([100, 100_000])
    value = json.loads(good)
    for _ in range(chance.randint(1, 3)):
        _spoil(value, chance)
    return json.dumps(value)


def _scrambled(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        changed[chance.randrange(len(changed))] = chance.getrandbits(8)
    return bytes(changed)


def _spoil(value: object, chance: random.Random) -> None:
    """Put something else in one place, take the place away, or double it."""
    places = list(_places(value))
    if not places:
        return
    put, drop, double = places[chance.randrange(len(places))]
    chance.choice([lambda: put(chance.choice(VALUES)), lambda: put(chance.randint(-20_000, 20_000)), drop, double])()


Place = tuple[Callable[[object], None], Callable[[], None], Callable[[], None]]


def _places(value: object) -> list[Place]:
    found: list[Place] = []
    if isinstance(value, dict):
        for key, item in list(value.items()):
            found.append(_in_mapping(value, key))
            found += _places(item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found.append(_in_list(value, index))
            found += _places(item)
    return found


def _in_mapping(value: dict[str, object], key: str) -> Place:
    def double() -> None:
        value[key + "2"] = value.get(key)

    def drop() -> None:
        value.pop(key, None)

    return (lambda new: value.__setitem__(key, new), drop, double)


def _in_list(value: list[object], index: int) -> Place:
    def put(new: object) -> None:
        value[index : index + 1] = [new]

    def drop() -> None:
        del value[index : index + 1]

    def double() -> None:
        value.extend(value[index : index + 1])

    return (put, drop, double)
