{# Paths as a mart: per day, how many sessions went from one event to the next, counted from an event. All edges are kept,
   so that days may be added up. `anchor`: {label, event, filters}. #}
{% macro paths_mart(title, owner, anchor, direction='next', depth=3, tags=[]) -%}
{%- set anchor = declared_step(anchor) -%}
{%- set around = days_after_session_start() -%}
{{- config(
    materialized='by_day', partition_by='local_date', order_by=['project_id', 'step', 'from_event'],
    days_before=around, days_after=around,
) -}}
{{- declare_journey('paths', title, owner, tags, none, {
    'anchor': anchor, 'direction': direction, 'depth': depth,
}, [anchor.event]) -}}
{%- if direction not in ['next', 'previous'] -%}
    {{ wrong_declaration('direction is next or previous, not ' ~ direction) }}
{%- elif depth is not integer or depth < 1 -%}
    {{ wrong_declaration('depth is a number of 1 and more, not ' ~ depth) }}
{%- endif -%}
select
    project_id,
    local_date,
    toUInt8(edges.step) as step,
    toLowCardinality(names[1]) as from_event,
    toLowCardinality(names[2]) as to_event,
    sessions
from (
    {{ session_paths(
        ref('fct_events'), condition_of(anchor), direction=direction, depth=depth, top=0,
        entered=in_days(), scanned=in_days(before=around, after=around), per='day',
    ) }}
) as edges
where edges.step > 0
{%- endmacro %}
