{{ config(order_by='project_id') }}

-- Those that are declared, and those whose events were let in without.
with seen as (
    select project_id, min(local_date) as first_event_on, max(local_date) as last_event_on
    from {{ ref('agg_daily_events') }}
    group by project_id
),

known as (
    select project_id from {{ ref('stg_millrace__projects') }}
    union distinct
    select toString(project_id) from seen
)

select
    known.project_id as project_id,
    ifNull(declared.project_name, known.project_id) as project_name,
    (declared.project_id is not null)::Bool as is_declared,
    ifNull(declared.timezone, 'UTC') as timezone,
    ifNull(toString(declared.currency), '') as currency,
    declared.retention_days as retention_days,
    ifNull(toString(declared.privacy), '') as privacy,
    seen.first_event_on as first_event_on,
    seen.last_event_on as last_event_on
from known
left join {{ ref('stg_millrace__projects') }} as declared on declared.project_id = known.project_id
left join seen on seen.project_id = known.project_id
union all
select '', 'unknown', false, 'UTC', '', null, '', null, null
