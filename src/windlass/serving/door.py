"""The routes of one replica, without a socket: which call is meant, and the bytes that answer it.

A replica knows its own service and release only; the gateway answers what concerns several.
"""

import logging
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from windlass.kernel.digests import hex_of, parse_digest, short
from windlass.kernel.errors import WindlassError
from windlass.kernel.limits import REQUEST_BODY_BYTES_MAX
from windlass.serving.frames import quoted
from windlass.serving.problems import ModelFailed, Rejected, plain_body, v2_body
from windlass.serving.protocols import arrow, plain, v2
from windlass.serving.protocols.strict_json import encode
from windlass.serving.releases import LoadedRelease

JSON = "application/json"
PROBLEM = "application/problem+json"
_V2 = re.compile(r"/v2/models/(?P<service>[^/]+)(?:/versions/(?P<version>[^/]+))?(?:/(?P<verb>ready|infer))?")
_PREDICT = re.compile(r"/predict/(?P<service>[^/]+)")
_HEALTH = {
    "/healthz": {"status": "ok"},
    "/v2/health/live": {"live": True},
    "/v2/health/ready": {"ready": True, "live": True},
}
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m)")
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0}

log = logging.getLogger("windlass.serving")


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: status, media type, body, and further headers."""

    status: int
    body: bytes
    media_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked for: `verb` is health, metadata, ready, infer or predict."""

    verb: str
    path: str
    request_id: str
    headers: Mapping[str, str]

    @property
    def is_prediction(self) -> bool:
        """Whether it has a body and needs the model."""
        return self.verb in ("infer", "predict")


class HasDeadline(Protocol):
    """What a prediction may do to its own deadline."""

    def tighten(self, seconds: float) -> None:
        """Bring the deadline forward."""
        ...


class Door:
    """One service's release behind its routes."""

    def __init__(self, release: LoadedRelease, service: str, digest: str) -> None:
        self._release = release
        self._service = service
        self._versions = {short(digest), hex_of(parse_digest(digest)), digest}
        self._version = short(digest)

    def route(self, method: str, path: str, request_id: str, headers: Mapping[str, str]) -> Call:
        """The call that method and path mean.

        Raises:
            Rejected: another service or release (404), no such route (404), or another method (405).
        """
        verb = "health" if path in _HEALTH else self._verb(path)
        wanted = "POST" if verb in ("infer", "predict") else "GET"
        if method != wanted:
            what = f"{quoted(method)} is not served here"
            raise Rejected(405, "method-not-allowed", what, where=path, remedy=f"use {wanted}")
        return Call(verb, path, request_id, headers)

    def look(self, call: Call) -> Reply:
        """The answer to a call that needs no prediction."""
        about = {"name": self._service}
        match call.verb:
            case "health":
                return Reply(200, encode(_HEALTH[call.path]))
            case "ready":
                return Reply(200, encode({**about, "ready": True}))
            case _:
                more = {"versions": [self._version], "platform": self._release.format}
                return Reply(200, encode(v2.metadata(self._release.signature, {**about, **more})))

    def predict(self, call: Call, body: bytes, deadline: HasDeadline) -> Reply:
        """The answer to a prediction; every failure is an answer too. Runs in the worker's thread."""
        try:
            media_type = _media_type(call, self._answers_arrow(call))
            body = _unpacked(body, call.headers.get("content-encoding", ""))
            if call.verb == "infer":
                return self._infer(body, deadline)
            return self._plain(call, body, media_type)
        except (Rejected, ModelFailed) as error:
            return self.refuse(call.path, error, call.request_id)
        except WindlassError as error:
            failed = ModelFailed(error.what)
            failed.__cause__ = error
            return self.refuse(call.path, failed, call.request_id)

    def refuse(self, path: str, error: Rejected | ModelFailed, request_id: str) -> Reply:
        """An error in the form of its route's protocol; a model's failure goes to the log with its traceback."""
        if isinstance(error, ModelFailed):
            log.error("request %s: %s", request_id, error, exc_info=error.__cause__ or error)
        headers = {503: (("retry-after", "1"),), 405: (("allow", error.remedy.removeprefix("use ")),)}
        if path.startswith("/v2"):
            return Reply(error.status, v2_body(error, request_id), JSON, headers.get(error.status, ()))
        return Reply(error.status, plain_body(error, request_id), PROBLEM, headers.get(error.status, ()))

    def _verb(self, path: str) -> str:
        if match := _PREDICT.fullmatch(path):
            self._expect(match["service"], None)
            return "predict"
        if match := _V2.fullmatch(path):
            self._expect(match["service"], match["version"])
            return match["verb"] or "metadata"
        routes = f"POST /predict/{self._service}, POST /v2/models/{self._service}/infer, GET /v2/models/{self._service}"
        raise Rejected(404, "no-such-route", "there is no such route", where=path, remedy=f"routes are {routes}")

    def _expect(self, service: str, version: str | None) -> None:
        if service != self._service:
            raise Rejected(
                404, "no-such-service", f"no service {quoted(service)} here", remedy=f"it is {self._service}"
            )
        if version is not None and version not in self._versions:
            what = f"no release {quoted(version)} of {service} here"
            raise Rejected(404, "no-such-release", what, remedy=f"it is {self._version}")

    def _answers_arrow(self, call: Call) -> bool:
        return call.verb == "predict" and arrow.is_present()

    def _infer(self, body: bytes, deadline: HasDeadline) -> Reply:
        request = v2.read(body, self._release.signature)
        if request.timeout_seconds:
            deadline.tighten(request.timeout_seconds)
        outputs = self._release.predict(request.frame)
        about = {"model_name": self._service, "model_version": self._version}
        return Reply(200, encode(v2.answer(outputs, request, about)))

    def _plain(self, call: Call, body: bytes, media_type: str) -> Reply:
        signature = self._release.signature
        about = {"release": self._version, "request_id": call.request_id}
        if media_type == arrow.MEDIA_TYPE:
            outputs = self._release.predict(arrow.read(body, signature))
        else:
            outputs = self._release.predict(plain.read(body, signature))
        if arrow.MEDIA_TYPE in call.headers.get("accept", "") and self._answers_arrow(call):
            return Reply(200, arrow.answer(outputs, signature, about), arrow.MEDIA_TYPE)
        return Reply(200, encode(plain.answer(outputs, signature, about)))


def seconds_allowed(text: str, most: float) -> float:
    """The time limit of a request header such as `250ms`, `2s` or `1m`, at most `most` seconds.

    Raises:
        Rejected: the header is no duration.
    """
    if not text:
        return most
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        what = f"expected a duration such as 250ms or 2s, given {quoted(text)}"
        raise Rejected(400, "bad-timeout", what, where="header X-Request-Timeout")
    return min(float(match[1]) * _UNIT_SECONDS[match[2]], most)


def _media_type(call: Call, has_arrow: bool) -> str:
    """What the body is; the signature alone says how it is read, so nothing that executes is ever accepted."""
    if call.headers.get("inference-header-content-length") is not None:
        remedy = 'send "data" as JSON, without Inference-Header-Content-Length'
        raise Rejected(400, "binary-not-yet", "binary tensors are not served yet", remedy=remedy)
    given = call.headers.get("content-type", JSON).partition(";")[0].strip().lower()
    if given == JSON or (given == arrow.MEDIA_TYPE and has_arrow):
        return given
    known = f"{JSON} or {arrow.MEDIA_TYPE}" if has_arrow else JSON
    raise Rejected(
        415, "bad-media-type", f"expected {known}, given {quoted(given)}", remedy=f"send Content-Type: {JSON}"
    )


def _unpacked(body: bytes, encoding: str) -> bytes:
    """The body without its compression, at most as large as a plain one may be.

    Raises:
        Rejected: an unknown encoding, a broken stream, or too many bytes.
    """
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "deflate"):
        raise Rejected(415, "bad-encoding", f"expected gzip or deflate, given {quoted(encoding)}")
    unpacker = zlib.decompressobj(31 if encoding == "gzip" else 15)
    try:
        data = unpacker.decompress(body, REQUEST_BODY_BYTES_MAX + 1)
    except zlib.error as error:
        raise Rejected(400, "bad-encoding", f"the {encoding} stream is broken: {error}") from None
    if len(data) > REQUEST_BODY_BYTES_MAX:
        raise too_large()
    if not unpacker.eof or unpacker.unused_data:
        raise Rejected(400, "bad-encoding", f"the {encoding} stream is cut off or has more behind it")
    return data


def too_large() -> Rejected:
    """The refusal of a body over the limit."""
    what = f"the body is over {REQUEST_BODY_BYTES_MAX >> 20} MiB"
    return Rejected(413, "too-large", what, remedy="send fewer rows in several requests")
