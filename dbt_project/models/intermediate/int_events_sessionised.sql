{{ config(
    materialized='by_day',
    partition_by='local_date',
    order_by=['project_id', 'person_id', 'timestamp'],
    shard_by='cityHash64(project_id, person_id)',
) }}

-- One copy of each event: the one that was loaded first.
with received as (
    select
        project_id,
        event_id,
        event,
        user_id,
        anonymous_id,
        sdk_session_id,
        timestamp,
        local_date,
        received_at,
        loaded_at,
        context.user_agent as user_agent
    from {{ ref('stg_millrace__events') }}
    where {{ in_days() }} and {{ around_days() }} and loaded_at < {{ horizon() }} and consent_analytics
    order by loaded_at, received_at, timestamp
    limit 1 by project_id, event_id
),

distinct_events as (
    select *
    from received
    where
        (project_id, event_id) not in (select project_id, event_id from {{ ref('int_events_on_several_days') }})
        or (project_id, event_id, local_date)
        in (select project_id, event_id, kept_date from {{ ref('int_events_on_several_days') }})
),

identified as (
    select
        events.* except (user_agent),
        multiIf(
            events.user_id != '', events.user_id,
            users.user_id is not null, assumeNotNull(users.user_id),
            events.anonymous_id
        ) as person_id,
        multiIf(
            events.user_agent in (select user_agent from {{ ref('stg_millrace__user_agents') }} where bot_kind != ''), 'bot',
            (project_id, person_id) in (select project_id, user_id from {{ ref('int_internal_users') }}), 'internal',
            {{ is_test_project() }}, 'test_project',
            ''
        ) as excluded
    from distinct_events as events
    left join {{ ref('int_anonymous_users') }} as users
        on users.project_id = events.project_id and users.anonymous_id = events.anonymous_id
),

{{ on_each_shard_from_here('identified') }}
-- Where each stream of events stood at the end of the days before.
carried_over as (
    select
        project_id,
        person_id,
        sdk_session_id,
        max(before.timestamp) as last_at,
        max(before.session_started_at) as session_at,
        argMax(before.activity_began_at, before.timestamp) as began_at
    from {{ so_far(
        'project_id String, person_id String, sdk_session_id String, local_date Date, timestamp DateTime64(3), '
        ~ 'session_started_at DateTime64(3), activity_began_at DateTime64(3)'
    ) }} as before
    where
        before.local_date between {{ first_day() }} - {{ days_after_session_start() }} and {{ first_day() }} - 1
        and before.session_started_at > 0
    group by all
),

-- A session by the SDK's id; where there is none, half an hour without events ends it. 24 hours end any.
streams as (
    select
        project_id,
        person_id,
        sdk_session_id,
        event_id,
        timestamp,
        timestamp as session_at,
        timestamp as began_at,
        false as is_carried
    from identified
    where {{ is_counted('excluded') }} and person_id != ''
    union all
    select project_id, person_id, sdk_session_id, '' as event_id, last_at as timestamp, session_at, began_at, true as is_carried
    from carried_over
),

gaps as (
    select
        *,
        row_number() over stream = 1
        or timestamp > lagInFrame(timestamp) over stream + if(sdk_session_id = '', interval 30 minute, interval 24 hour) as opens
    from streams
    window stream as (partition by project_id, person_id, sdk_session_id order by timestamp, event_id)
),

activities as (
    select
        *,
        sum(opens) over (
            partition by project_id, person_id, sdk_session_id order by timestamp, event_id
            rows between unbounded preceding and current row
        ) as activity
    from gaps
),

begun as (
    select
        *,
        min(began_at) over (partition by project_id, person_id, sdk_session_id, activity) as activity_began_at,
        min(session_at) over (partition by project_id, person_id, sdk_session_id, activity) as first_session_at,
        max(timestamp) over (partition by project_id, person_id, sdk_session_id, activity) as activity_ended_at
    from activities
),

cuts as (
    select
        project_id,
        person_id,
        sdk_session_id,
        activity,
        arrayFold(
            (starts, instant) -> if(instant > starts[-1] + interval 24 hour, arrayPushBack(starts, instant), starts),
            arraySort(groupArray(timestamp)),
            [any(first_session_at)]
        ) as starts
    from begun
    where activity_ended_at > first_session_at + interval 24 hour
    group by all
),

sessions as (
    select
        begun.project_id as project_id,
        begun.event_id as event_id,
        if(
            empty(cuts.starts),
            begun.first_session_at,
            arrayLast(start -> start <= begun.timestamp, cuts.starts)
        ) as session_started_at,
        begun.activity_began_at as activity_began_at
    from begun
    left join cuts
        on cuts.project_id = begun.project_id
        and cuts.person_id = begun.person_id
        and cuts.sdk_session_id = begun.sdk_session_id
        and cuts.activity = begun.activity
    where not begun.is_carried
)

select
    identified.* except (user_id, anonymous_id),
    ifNull(sessions.session_started_at, toDateTime64(0, 3, 'UTC')) as session_started_at,
    ifNull(sessions.activity_began_at, toDateTime64(0, 3, 'UTC')) as activity_began_at,
    if(
        sessions.session_started_at is null,
        0,
        {{ key_of('identified.project_id', 'person_id', 'sdk_session_id', 'session_started_at') }}
    ) as session_key
from identified
left join sessions on sessions.project_id = identified.project_id and sessions.event_id = identified.event_id
