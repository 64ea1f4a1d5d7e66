{{ config(materialized='by_day', partition_by='local_date', order_by=['project_id', 'campaign_key']) }}

{{ members_of_days(
    'campaign_key', ['campaign_source', 'campaign_medium', 'campaign_name', 'campaign_term', 'campaign_content']
) }}
