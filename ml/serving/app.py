"""The HTTP interface itself. FastAPI makes the documentation at /docs of what is written here."""

# No `from __future__ import annotations`: FastAPI reads the annotations of functions inside a function.

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Path, Query, Request, Response, status
from fastapi.responses import JSONResponse
from fastapi.security import APIKeyHeader
from pydantic import BaseModel, Field

from ml.serving.champions import Champions
from ml.serving.keys import Keys
from ml.serving.reading import FORECAST, RECOMMENDATIONS, Reader
from warehouse.errors import MillraceError
from warehouse.settings import Settings

LONGEST_ID = 512


class Asked(BaseModel):
    user_id: Annotated[str, Field(min_length=1, max_length=LONGEST_ID, description="As the marts have it.")]


class Predicted(BaseModel):
    model: str
    version: int
    user_id: str
    prediction: dict[str, Any]


class DayForecast(BaseModel):
    day: date
    expected: float
    lower_50: float
    upper_50: float
    lower_80: float
    upper_80: float
    lower_95: float
    upper_95: float


class Forecast(BaseModel):
    metric: str
    made_on: date = Field(description="The last day that was known.")
    method: str
    days: list[DayForecast]


class Recommendations(BaseModel):
    user_id: str
    items: list[dict[str, Any]]


class Health(BaseModel):
    status: str
    champions: int = Field(description="Models that answer, of all projects together.")


def application(settings: Settings, keys: Keys) -> FastAPI:
    reader, champions = Reader(settings), Champions(settings, keys.digests)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        champions.start()
        yield
        champions.stop()
        reader.close()

    app = FastAPI(
        title="Millrace predictions",
        description="What the champions say of users, metrics and items. Each key is of one project.",
        lifespan=lifespan,
        responses={401: {"description": "No key, or none that is known"}},
    )

    @app.exception_handler(MillraceError)
    def away(_: Request, error: MillraceError) -> Response:
        return JSONResponse({"detail": error.message}, status.HTTP_503_SERVICE_UNAVAILABLE)

    def project_of(key: Annotated[str | None, Depends(APIKeyHeader(name="X-API-Key", auto_error=False))]) -> str:
        project = keys.project_of(key or "")
        if project is None:
            raise HTTPException(status.HTTP_401_UNAUTHORIZED, "Send the key of your project as X-API-Key.")
        return project

    Project = Annotated[str, Depends(project_of)]

    @app.get("/health", summary="Does it answer? Asks for no key, and tells nothing of anybody")
    def health() -> Health:
        reader.rows("SELECT 1 AS one", {})
        return Health(status="ok", champions=len(champions.known))

    @app.post("/predict/{model}", summary="What a model, such as churn, says of one user now")
    def predict(model: Annotated[str, Path(examples=["churn"])], asked: Asked, project: Project) -> Predicted:
        if model not in champions.names:
            raise HTTPException(
                404, f"No model {model!r} answers here; there are: {', '.join(champions.names) or 'none'}."
            )
        champion = champions.known.get((project, model))
        if champion is None:
            raise HTTPException(503, f"{model} has no champion yet: `millrace train {model}` trains one.")
        said = reader.ask(lambda client: champion.online.answer(client, project, champion.model, asked.user_id))
        if said is None:
            raise HTTPException(404, f"{model} knows nobody with this id.")
        return Predicted(model=model, version=champion.version, user_id=asked.user_id, prediction=dict(said))

    @app.get("/forecast/{metric}", summary="The days ahead of a metric that is forecast, with bands")
    def forecast(
        metric: Annotated[str, Path(max_length=200, examples=["revenue"])],
        project: Project,
        days: Annotated[int, Query(ge=1, le=366, description="How many days ahead.")] = 30,
    ) -> Forecast:
        rows = reader.rows(FORECAST, {"project": project, "metric": metric, "days": days})
        if not rows:
            raise HTTPException(404, f"Nothing is forecast of {metric!r}.")
        return Forecast(
            metric=metric,
            made_on=rows[0]["made_on"],
            method=rows[0]["method"],
            days=[DayForecast.model_validate(row) for row in rows],
        )

    @app.get("/recommendations/{user}", summary="Items for one user, the best first")
    def recommendations(
        user: Annotated[str, Path(max_length=LONGEST_ID)],
        project: Project,
        limit: Annotated[int, Query(ge=1, le=100)] = 10,
    ) -> Recommendations:
        rows = reader.rows(RECOMMENDATIONS, {"project": project, "user": user, "limit": limit})
        if not rows:
            raise HTTPException(404, "Nothing is recommended to this user.")
        return Recommendations(user_id=user, items=rows)

    return app
