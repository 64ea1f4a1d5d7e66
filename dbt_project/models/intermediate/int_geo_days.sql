{{ config(materialized='by_day', partition_by='local_date', order_by=['project_id', 'geo_key']) }}

{{ members_of_days('geo_key', ['country', 'region', 'city']) }}
