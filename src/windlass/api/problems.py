"""One error shape over every route and method: RFC 9457, `application/problem+json`."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from windlass.kernel.errors import Refused, Unavailable, UserMistake, WindlassError

MEDIA = "application/problem+json"
TITLES = {
    400: "The request cannot be read",
    403: "Refused",
    404: "There is no such thing",
    405: "This method is not possible here",
    409: "The same is under way",
    422: "The request is not valid",
    500: "Windlass is broken here",
    503: "Not available now",
}


def problem(status: int, code: str, detail: str, **more: Any) -> JSONResponse:
    """A problem document; `code` becomes its type, a path of this server."""
    body = {"type": f"/problems/{code}", "title": TITLES.get(status, "Error"), "status": status, "detail": detail}
    return JSONResponse({**body, **{key: value for key, value in more.items() if value}}, status, media_type=MEDIA)


def status_of(error: WindlassError) -> int:
    """The HTTP status that an error's branch means."""
    match error:
        case UserMistake():
            return 404 if error.code.startswith("no-such") else 422
        case Refused():
            return 403
        case Unavailable():
            return 503
        case _:
            return 500


def install(app: FastAPI) -> None:
    """Answer every error of every route in the one shape."""

    async def ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, WindlassError)
        answer = problem(
            status_of(error), error.code, error.what, instance=request.url.path, remedy=error.remedy, where=error.where
        )
        if answer.status_code == 503:
            answer.headers["Retry-After"] = "1"
        return answer

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return problem(error.status_code, "http", str(error.detail), instance=request.url.path)

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        errors = [{"pointer": "/" + "/".join(map(str, one["loc"])), "detail": one["msg"]} for one in error.errors()]
        return problem(422, "invalid-body", "the body does not fit", instance=request.url.path, errors=errors)

    async def bug(request: Request, error: Exception) -> Response:
        return problem(500, "bug", f"{type(error).__name__}: see the control plane's log", instance=request.url.path)

    app.add_exception_handler(WindlassError, ours)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(Exception, bug)
