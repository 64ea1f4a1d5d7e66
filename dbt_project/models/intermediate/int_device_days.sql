{{ config(materialized='by_day', partition_by='local_date', order_by=['project_id', 'device_key']) }}

{{ members_of_days('device_key', ['device_type', 'browser', 'os']) }}
