"""Every key of `windlass.yaml`, once. Validation, the editor's schema and the reference page are made from this list.

A key of which the part is not built yet stands here too, with `not_yet`: it is refused in words and never ignored.
"""

from dataclasses import dataclass
from functools import cache

from windlass.delivery.sources import kinds
from windlass.delivery.sources.kinds import Kind
from windlass.kernel import limits

ANY_NAME = "<name>"  # stands for a name that the person chooses


@dataclass(frozen=True, slots=True)
class Key:
    """One key.

    `name` is dotted; `stage` says who acts on it; `default` and `example` are YAML as a person writes it, `reason`
    says why the default is what it is; `not_yet` completes "is known, but not built yet: ...". A group has no kind.
    """

    name: str
    stage: str
    kind: Kind | None
    meaning: str
    example: str = ""
    default: str = ""
    reason: str = ""
    not_yet: str = ""


def _later(name: str, stage: str, not_yet: str, meaning: str) -> Key:
    return Key(name, stage, kinds.ANYTHING, meaning, not_yet=not_yet)


_GENERAL = (
    Key(
        "service",
        "sources",
        kinds.SERVICE_NAME,
        "The service's name: it stands in every URL and command.",
        "service: doctor-visits",
    ),
    Key(
        "services",
        "sources",
        kinds.list_of(kinds.FOLDER, "a list of folders"),
        "Folders that hold a windlass.yaml of their own. Only the file at the root may list any.",
        "services: [api, models/fraud]",
    ),
    Key(
        "windlass",
        "sources",
        kinds.FILE_FORMAT,
        "The format of this file.",
        "windlass: 1",
        "1",
        "There is one format so far.",
    ),
    Key("owner", "sources", kinds.TEXT, "Whom to ask about the service; shown in `status`.", "owner: risk-team"),
    Key(
        "timezone",
        "sources",
        kinds.ZONE,
        "The time zone of `freeze`.",
        "timezone: Europe/Berlin",
        "UTC",
        "It is the same on every machine and has no summer time.",
    ),
    Key(
        "python",
        "sources",
        kinds.PYTHON,
        "The Python that trains and serves.",
        'python: "3.12"',
        "",
        "Without it `.python-version` or `requires-python` decides, then the Python that runs Windlass. What no Python "
        "from 3.11 to 3.13 fits is refused, in whichever file it stands.",
    ),
    Key(
        "env",
        "sources",
        kinds.mapping_of(kinds.ENV_VALUE, "a mapping of names to text"),
        "Environment variables of training, gate and replicas: text, `env:NAME` or `file:PATH`. They belong to the "
        "release as they stand here: text is stored and shown, also in facts and in `status -o json`, so a secret "
        "belongs in a variable or a file. What that holds is read where the process starts, stored nowhere, and hidden "
        "in the logs of builds and gates.",
        "env: {OMP_NUM_THREADS: '1', TOKEN: 'env:SCORING_TOKEN'}",
    ),
    Key(
        "include",
        "sources",
        kinds.list_of(kinds.RELATIVE_PATH, "a list of paths"),
        "Files and folders outside the service's folder that it is built from: a change there builds again.",
        "include: [../lib]",
    ),
    Key(
        "params",
        "sources",
        kinds.mapping_of(kinds.ANYTHING, "a mapping of names to values"),
        "Handed to training as JSON in WINDLASS_PARAMS.",
        "params: {learning_rate: 0.1}",
    ),
)

_DATA = (
    Key(
        "data",
        "sources",
        None,
        "What the service learns from and is judged on: each a path in the repository, an absolute path, or a "
        "`file:///` URL. `s3`, `gs`, `az` and `https` are not read yet, and refused here.",
        "data: {train: data/train.csv, holdout: data/holdout.csv, label: visit}",
    ),
    Key(
        "data.train",
        "sources",
        kinds.DATA_LOCATION,
        "The training data; its path is in WINDLASS_DATA_TRAIN.",
        "train: data/train.parquet",
    ),
    Key(
        "data.holdout",
        "sources",
        kinds.DATA_LOCATION,
        "Rows that only the gate reads. They are not in the folder that training runs in, and training is not told "
        "their path. This prevents accidents, not intent: training still runs as you.",
        "holdout: data/holdout.parquet",
    ),
    Key("data.label", "sources", kinds.TEXT, "The column that holds what was true.", "label: any_visit"),
    Key(
        "data.positive", "sources", kinds.SCALAR, "Which label counts as positive, where there are two.", "positive: 1"
    ),
    Key(
        "data.score",
        "sources",
        kinds.TEXT,
        "The output of the model that is the score, where it is not the probability.",
        "score: risk",
    ),
    Key("data.id", "sources", kinds.TEXT, "The column that names a row.", "id: visit_id"),
    Key(
        "data.unit",
        "sources",
        kinds.TEXT,
        "The column that says whose row it is, where one person has several.",
        "unit: person_id",
    ),
    Key("data.time", "sources", kinds.TEXT, "The column that says when a row was true.", "time: visited_at"),
    Key(
        f"data.{ANY_NAME}",
        "sources",
        kinds.DATA_LOCATION,
        "Any other data set; `calendar:` is in WINDLASS_DATA_CALENDAR.",
        "calendar: data/calendar.csv",
    ),
)

_BUILD = (
    Key(
        "train",
        "builds",
        kinds.COMMAND,
        "The command that writes exactly one model into the folder $WINDLASS_OUTPUT.",
        "train: python train.py",
    ),
    Key(
        "artifact", "builds", kinds.LOCATION, "A model that already exists, instead of `train`.", "artifact: model.onnx"
    ),
    _later("run", "builds", "apps cannot be started so far", "The command that starts an app."),
    _later(
        "pin",
        "builds",
        "a release cannot be named in the file so far; `windlass rollback` goes back",
        "A release to serve.",
    ),
    Key(
        "model",
        "releases",
        kinds.MODEL,
        "Which file of the output is the model, where there are several; or `module:Class` for a Python class.",
        "model: predictor:Predictor",
    ),
    Key(
        "allow",
        "releases",
        kinds.list_of(kinds.ALLOWED, "a list"),
        "What may run code when the model is loaded: `pickle`, or the full name of a type in a skops file.",
        "allow: [pickle]",
        "",
        "A pickle can do anything that you can do, so it is never loaded unasked.",
    ),
    Key(
        "build_time",
        "builds",
        kinds.duration("1m", "4w"),
        "How long a build may run, its environment, training and tests together.",
        "build_time: 6h",
        "1h",
        "A training that hangs must not hold up the next commit for ever.",
    ),
    Key("test", "builds", kinds.COMMAND, "A command that must succeed in the build's environment.", "test: pytest -q"),
    _later("steps", "builds", "a build makes one model so far", "Several models that are made one after another."),
)

_GATE = (
    Key(
        "gate",
        "gates",
        kinds.list_of(kinds.GATE_LINE, "a list of lines"),
        "What a release must show on the holdout before it gets traffic.",
        "gate: [roc_auc >= 0.70, roc_auc not worse than champion by 0.01]",
    ),
    Key(
        "breaking",
        "gates",
        kinds.BOOLEAN,
        "Whether this commit may change the request or the answer in ways that callers notice.",
        "breaking: true",
        "false",
        "Callers of today must not fail by accident.",
    ),
)

_ROLLOUT = (
    Key(
        "rollout",
        "rollouts",
        None,
        "How traffic moves to a new release.",
        "rollout: {steps: [5%, 25%, 100%], unit: X-User-Id}",
    ),
    Key(
        "rollout.strategy",
        "rollouts",
        kinds.STRATEGY,
        "How it moves.",
        "strategy: canary",
        "canary",
        "It is the only one so far.",
    ),
    Key(
        "rollout.steps",
        "rollouts",
        kinds.STEPS,
        "The shares of traffic, one after another.",
        "steps: [5%, 25%, 50%, 100%]",
        "[5%, 25%, 50%, 100%]",
        "Harm shows while few callers meet it; evidence adds up over the steps. Where a first step of 5 % would take "
        "over 24 h at the rate of the last hour or longer, these begin with 50 %.",
    ),
    Key(
        "rollout.unit",
        "rollouts",
        kinds.HEADER,
        "The request header whose value is answered by one release throughout.",
        "unit: X-User-Id",
        "",
        "Without it each request is assigned by itself, which gives evidence soonest.",
    ),
    Key(
        "rollout.limits",
        "rollouts",
        kinds.LIMITS,
        "Absolute limits: a step is left only when they are shown to hold. `errors <= 1%` is added where no line "
        "is about errors.",
        "limits: [errors <= 0.5%, p99 <= 300ms]",
        "[errors <= 1%]",
        "An error-free canary moves on after about 555 requests.",
    ),
    Key(
        "rollout.time_limit",
        "rollouts",
        kinds.duration("1m", "4w"),
        "How long a rollout may stay undecided.",
        "time_limit: 6h",
        "1d",
        "One day covers each hour of the day once.",
    ),
    Key(
        "rollout.unsure",
        "rollouts",
        kinds.choice("ask", "back"),
        "What happens at the time limit: hold and ask, or go back.",
        "unsure: back",
        "ask",
        "Windlass never guesses; a person decides.",
    ),
    Key(
        "rollout.newer",
        "rollouts",
        kinds.choice("wait", "replace"),
        "What a newer release does while a rollout runs: wait, or replace it.",
        "newer: replace",
        "wait",
        "A rollout that is replaced again and again never ends.",
    ),
    Key(
        "rollout.soak",
        "rollouts",
        kinds.duration("0s", "1d"),
        "How long each step lasts at least.",
        "soak: 1m",
        "10s",
        "Caches and pools need some seconds before latency means anything.",
    ),
    _later("rollout.outcome", "rollouts", "outcomes of users are not counted so far", "What users do afterwards."),
    _later(
        "rollout.baseline",
        "rollouts",
        "a rollout is compared with the champion so far",
        "What a rollout is compared with.",
    ),
    Key(
        "freeze",
        "rollouts",
        kinds.list_of(kinds.WINDOW, "a list of weekly windows"),
        "Weekly windows in which no traffic moves by itself; commits are still built and judged. Who goes back, takes "
        "a rollout's next step or writes `promote --full --now` is not held. Times are those of `timezone`.",
        'freeze: ["fri 16:00..mon 08:00"]',
    ),
)

_SERVING = (
    Key(
        "replicas",
        "placements",
        kinds.integer(1, limits.REPLICAS_MAX),
        "How many processes answer.",
        "replicas: 2",
        "1",
        "One is enough to begin with.",
    ),
    Key(
        "memory",
        "placements",
        kinds.MEMORY,
        "The memory that a build or a replica may hold, with all its processes.",
        "memory: 2Gi",
        "",
        "Without it 80 % of the machine's memory is the limit, so that one build cannot take the machine down.",
    ),
    _later("batch", "placements", "requests are not batched so far", "How requests are batched."),
    Key(
        "timeout",
        "services",
        kinds.duration("10ms", "1h"),
        "How long a request may take.",
        "timeout: 2s",
        "10s",
        "A request without an end holds a replica for ever.",
    ),
    Key(
        "idempotent",
        "services",
        kinds.BOOLEAN,
        "Whether a request may be sent again to another replica when the first one dies.",
        "idempotent: false",
        "true",
        "A prediction changes nothing, so a repeat loses nothing.",
    ),
    _later("route", "services", "a service answers below its own name so far", "Where a service answers."),
    _later(
        "health", "services", "Windlass checks its model servers itself", "The path that says whether an app is well."
    ),
    _later("fallback", "services", "there is no fallback so far", "What answers when the service cannot."),
    _later("listen", "services", "services answer on this machine only so far", "Where the door listens."),
    _later("public", "services", "services answer on this machine only so far", "Whether callers need a token."),
    _later("log", "services", "requests are counted and not logged so far", "Which fields are logged."),
)

_WATCHING = (
    _later("monitors", "monitors", "nothing watches for drift so far", "What is watched."),
    _later("slo", "monitors", "there are no service levels so far", "What the service promises."),
    _later("alerts", "monitors", "nobody is alerted so far; `windlass status -w` shows trouble", "Who is told."),
    _later(
        "retrain",
        "monitors",
        "nothing retrains by itself so far; `windlass retry` builds again",
        "When to train again.",
    ),
)

KEYS: tuple[Key, ...] = (*_GENERAL, *_DATA, *_BUILD, *_GATE, *_ROLLOUT, *_SERVING, *_WATCHING)
BY_NAME = {key.name: key for key in KEYS}


@cache
def keys_below(group: str) -> tuple[Key, ...]:
    """The keys directly below a group; "" gives those of the file itself. The free name is not among them."""
    prefix = f"{group}." if group else ""
    return tuple(
        key
        for key in KEYS
        if key.name.startswith(prefix) and "." not in key.name[len(prefix) :] and not key.name.endswith(ANY_NAME)
    )
