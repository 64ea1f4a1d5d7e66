select
    project_id,
    toDate(date) as local_date,
    channel as reported_channel,
    source as campaign_source,
    medium as campaign_medium,
    campaign as campaign_name,
    impressions,
    clicks,
    cost,
    currency,
    _loaded_at as loaded_at
from {{ source('raw', 'marketing_spend') }} final
