{#
    Paths: what people do after an event, or before it, within the session. Calls that tell who somebody is (identify,
    group, alias) are no steps. A session counts once: from the first such event in it (next) or the last (previous), by
    the day of that event.

    One row per step and names: step 0 are whole paths, 1 and more the edges from one event to the next, -1 all sessions.
    A path ends early where the session does: then an edge leads to ''. Of each step, the `top` most frequent; 0: all.

    events     a relation or subquery with project_id, person_key, session_key, timestamp, event_id, event,
               message_type, local_date
    anchor     condition in SQL: the event to start from
    depth      how many events further
    entered    condition on the local_date of the anchor
    scanned    condition on all events that are read: sessions may begin two days before and end two days after
    name       SQL of what a step is called, a text
    per        all: as above, of everything that is read; day: of each project and local_date of the anchor
#}
{% macro session_paths(events, anchor, direction='next', depth=3, top=20, entered='true', scanned='true', per='all', name='event') -%}
{%- set grain = 'project_id, local_date, ' if per == 'day' else '' -%}
with sessions as (
    select
        project_id,
        person_key,
        {{ 'arrayReverse' if direction == 'previous' }}(arraySort(
            groupArray((timestamp, event_id, {{ name }}, ifNull({{ anchor }}, false), {{ entered }}{{ ', local_date' if grain }}))
        )) as path,
        indexOf(path.4, true) as place
    from {{ events }}
    where session_key != 0 and {{ scanned }} and (message_type in ('track', 'page', 'screen') or {{ anchor }})
    group by project_id, person_key, session_key
    having place > 0 and path.5[place]
),

walks as (
    select
        {{ 'project_id, path.6[place] as local_date,' if grain }}
        arrayResize(arraySlice(path.3, place, {{ depth + 1 }}), {{ depth + 1 }}) as walk,
        count() as sessions
    from sessions
    group by {{ grain }}walk
),

counted as (
    select {{ grain }}counts.1 as step, counts.2 as names, sum(sessions) as sessions
    from walks
    array join arrayConcat(
        [(-1, []), (0, arrayFilter(name -> name != '', walk))],
        arrayFilter(
            edge -> edge.2[1] != '',
            arrayMap((step, name, next) -> (step, [name, next]), arrayEnumerate(walk), walk, arrayResize(arrayPopFront(walk), {{ depth + 1 }}))
        )
    ) as counts
    where step <= {{ depth }}
    group by {{ grain }}step, names
)

select {{ grain }}step, names, sessions
from counted
order by {{ grain }}step, sessions desc, names
{%- if top %}
limit {{ top }} by {{ grain }}step
{%- endif %}
{%- endmacro %}
