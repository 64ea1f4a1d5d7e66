"""What was predicted, read by key: one client for all requests, made anew after the server was away."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from warehouse.connection import connect, first_line, is_broken_connection
from warehouse.errors import MillraceError
from warehouse.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

T = TypeVar("T")
log = logging.getLogger(__name__)

FORECAST = """
SELECT local_date AS day, expected, lower_50, upper_50, lower_80, upper_80, lower_95, upper_95, made_on, method
FROM marts.pred_forecast
WHERE project_id = {project:String} AND series = concat('metric:', {metric:String}) AND days_ahead <= {days:UInt16}
ORDER BY day
"""
RECOMMENDATIONS = """
SELECT * EXCEPT (project_id)
FROM marts.pred_recommendations
WHERE project_id = {project:String} AND person_id = {user:String}
ORDER BY `rank`
LIMIT {limit:UInt16}
"""


class Reader:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._client: Client | None = None
        self._one_at_a_time = Lock()  # requests are answered in threads

    def ask(self, question: Callable[[Client], T]) -> T:
        from clickhouse_connect.driver.exceptions import Error

        try:
            with self._one_at_a_time:
                client = self._client = self._client or connect(self.settings, "modeler")
            return question(client)
        except Error as error:
            if is_broken_connection(error):
                self.close()
            # What it says may hold names of tables and settings: for the log, not for who asks.
            log.error("The warehouse did not answer: %s", first_line(error))
            raise MillraceError("The warehouse does not answer.") from error

    def rows(self, sql: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
        found = self.ask(lambda client: client.query(sql, parameters=dict(parameters)))
        return [dict(zip(found.column_names, row, strict=True)) for row in found.result_rows]

    def close(self) -> None:
        with self._one_at_a_time:
            client, self._client = self._client, None
        if client is not None:
            with suppress(Exception):
                client.close()
