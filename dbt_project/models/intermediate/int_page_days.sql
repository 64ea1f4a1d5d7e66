{{ config(materialized='by_day', partition_by='local_date', order_by=['project_id', 'page_key']) }}

select
    project_id,
    local_date,
    page_key,
    any(events.page_host) as page_host,
    any(events.page_path) as page_path,
    argMaxIf(events.page_title, (timestamp, events.page_title), events.page_title != '') as page_title,
    count() as events
from {{ ref('fct_events') }} as events
where {{ in_days() }} and page_key != 0
group by project_id, local_date, page_key
