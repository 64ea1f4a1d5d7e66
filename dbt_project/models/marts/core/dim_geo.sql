{{ config(order_by='geo_key') }}

{{ members_so_far('int_geo_days', 'geo_key', ['country', 'region', 'city']) }}
union all
select toUInt64(0), '', 'unknown', '', '', null, null
