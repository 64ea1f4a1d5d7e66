"""The configuration of the local ClickHouse server, generated at each start."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

import psutil

from warehouse.cold import storage_xml
from warehouse.settings import Settings

LOG_RETENTION_DAYS = 14
# Who ran what at which cost, and what was merged.
SYSTEM_LOGS = ("query_log", "part_log")


def memory_limit(settings: Settings) -> int:
    """Bytes the server may use: the setting, else half of the machine's memory."""
    return int(settings.memory) if settings.memory else psutil.virtual_memory().total // 2


def config_xml(settings: Settings, run_dir: Path, http_port: int, tcp_port: int) -> str:
    logs = "".join(
        f"<{log}><database>system</database><table>{log}</table>"
        "<flush_interval_milliseconds>2000</flush_interval_milliseconds>"
        f"<ttl>event_date + INTERVAL {LOG_RETENTION_DAYS} DAY DELETE</ttl></{log}>"
        for log in SYSTEM_LOGS
    )
    path = escape(str(run_dir))
    return f"""<clickhouse>
    <display_name>millrace-local</display_name>
    <timezone>UTC</timezone>
    <http_port>{http_port}</http_port>
    <tcp_port>{tcp_port}</tcp_port>
    <listen_host>{escape(settings.listen_host)}</listen_host>
    <users_config>{path}/users.xml</users_config>
    <log-level>information</log-level>
    <logger>
        <level>information</level>
        <log>{path}/server.log</log>
        <errorlog>{path}/server.err.log</errorlog>
        <size>20M</size>
        <count>3</count>
    </logger>
    <max_server_memory_usage>{memory_limit(settings)}</max_server_memory_usage>
    <!-- Both pools are tiny by default in this build: Distributed tables would never send their queues. -->
    <background_schedule_pool_size>16</background_schedule_pool_size>
    <background_pool_size>4</background_pool_size>
    {storage_xml(settings)}
    <backups><allowed_path>{escape(str(settings.backups_folder))}/</allowed_path></backups>
    <access_control_improvements>
        <!-- Other people's queries and tables are not for everyone: system tables beyond the harmless need a grant. -->
        <select_from_system_db_requires_grant>true</select_from_system_db_requires_grant>
        <table_engines_require_grant>false</table_engines_require_grant>
        <select_from_information_schema_requires_grant>false</select_from_information_schema_requires_grant>
    </access_control_improvements>
    {logs}
</clickhouse>
"""
