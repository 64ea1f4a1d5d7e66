{{ config(order_by='device_key') }}

{{ members_so_far('int_device_days', 'device_key', ['device_type', 'browser', 'os']) }}
union all
select toUInt64(0), '', 'unknown', 'unknown', 'unknown', null, null
