{{ config(materialized='collected', order_by=['project_id', 'event_id']) }}

with arrivals as (
    select local_date, groupBitmapState({{ event_id_hash() }}) as ids
    from {{ ref('stg_millrace__events') }}
    where {{ newly_loaded() }} and consent_analytics
    group by local_date
),

sketches as (
    select local_date, groupBitmapMergeState(ids) as ids
    from {{ ref('int_event_id_sketches') }}
    group by local_date
),

candidates as (
    select
        arrayJoin(bitmapToArray(bitmapAnd(arrivals.ids, sketches.ids))) as id_hash,
        arrayJoin([arrivals.local_date, sketches.local_date]) as local_date
    from arrivals
    cross join sketches
    where arrivals.local_date != sketches.local_date and bitmapHasAny(arrivals.ids, sketches.ids)
)

select
    project_id,
    event_id,
    argMin(local_date, (loaded_at, received_at, timestamp)) as kept_date
from {{ ref('stg_millrace__events') }}
where
    loaded_at < {{ horizon() }}
    and consent_analytics
    and toDate(timestamp) in (select arrayJoin([local_date - 1, local_date, local_date + 1]) from candidates)
    and {{ event_id_hash() }} in (select id_hash from candidates)
    and (project_id, event_id) not in (select project_id, event_id from {{ so_far('project_id String, event_id String') }})
group by project_id, event_id
having min(local_date) != max(local_date)
