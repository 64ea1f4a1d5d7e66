{{ config(order_by='page_key') }}

with pages as (
    select
        page_key,
        toString(any(project_id)) as project_id,
        toString(any(days.page_host)) as page_host,
        any(days.page_path) as page_path,
        argMaxIf(days.page_title, local_date, days.page_title != '') as page_title,
        toNullable(min(local_date)) as first_seen_on,
        toNullable(max(local_date)) as last_seen_on
    from {{ ref('int_page_days') }} as days
    group by page_key
)

select
    *,
    if(startsWith(page_path, '/'), 'page', 'screen') as page_kind,
    if(page_kind = 'page', splitByChar('/', page_path)[2], '') as section
from pages
union all
select toUInt64(0), '', 'unknown', 'unknown', '', null, null, 'unknown', ''
