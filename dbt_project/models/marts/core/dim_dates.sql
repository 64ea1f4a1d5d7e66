{{ config(order_by='local_date') }}

-- 1970-01-01 is the unknown day: the zero of a Date.
with days as (
    select arrayJoin(arrayPushFront(
        arrayMap(n -> {{ calendar_begins() }} + n, range(toUInt32({{ calendar_ends() }} - {{ calendar_begins() }}))), toDate(0)
    )) as local_date
)

select
    local_date,
    '' as project_id,
    (local_date != toDate(0))::Bool as is_known,
    toYear(local_date) as year,
    toQuarter(local_date) as quarter,
    toStartOfQuarter(local_date) as quarter_begins_on,
    concat(toString(year), '-Q', toString(quarter)) as year_quarter,
    toMonth(local_date) as month,
    toStartOfMonth(local_date) as month_begins_on,
    formatDateTime(local_date, '%Y-%m') as year_month,
    dateName('month', local_date) as month_name,
    toISOYear(local_date) as iso_year,
    toISOWeek(local_date) as iso_week,
    toMonday(local_date) as week_begins_on,
    toDayOfMonth(local_date) as day_of_month,
    toDayOfYear(local_date) as day_of_year,
    toDayOfWeek(local_date) as weekday,
    dateName('weekday', local_date) as weekday_name,
    (weekday >= 6)::Bool as is_weekend
from days
