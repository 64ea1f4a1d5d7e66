{{ config(order_by='time_key') }}

select
    toUInt16(number) as time_key,
    '' as project_id,
    if(time_key = 0, null, toUInt8(intDiv(number - 1, 60))) as hour,
    if(time_key = 0, null, toUInt8((number - 1) % 60)) as minute,
    if(time_key = 0, 'unknown', formatDateTime(toDateTime((number - 1) * 60, 'UTC'), '%H:%i')) as time_of_day,
    multiIf(time_key = 0, 'unknown', hour < 6, 'night', hour < 12, 'morning', hour < 18, 'afternoon', 'evening') as part_of_day
from numbers(1 + 24 * 60)
