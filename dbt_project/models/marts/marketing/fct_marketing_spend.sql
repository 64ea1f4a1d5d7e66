{{ config(order_by=['project_id', 'local_date', 'channel']) }}

with spend as (
    select
        project_id,
        local_date,
        lower(campaign_source) as campaign_source,
        lower(campaign_medium) as campaign_medium,
        campaign_name,
        -- Platforms report whole campaigns.
        '' as campaign_term,
        '' as campaign_content,
        reported_channel,
        ifNull(currency, '')::LowCardinality(String) as currency,
        sum(ifNull(impressions, 0)) as impressions,
        sum(ifNull(clicks, 0)) as clicks,
        sum(toDecimal128(cost, 4)) as amount
    from {{ ref('stg_marketing__spend') }}
    group by all
),

keyed as (
    select
        *,
        {{ campaign_key() }} as campaign_key,
        -- As sessions are told apart; an account that names no campaign is believed.
        if(
            campaign_key = 0,
            reported_channel,
            {{ channel('campaign_medium', 'campaign_source', "''", 'campaign_name') }}
        ) as channel
    from spend
)

select
    {{ key_of(
        'keyed.project_id', 'keyed.local_date', 'keyed.reported_channel', 'keyed.campaign_source', 'keyed.campaign_medium',
        'keyed.campaign_name', 'keyed.currency'
    ) }} as marketing_spend_key,
    keyed.project_id as project_id,
    keyed.local_date as local_date,
    keyed.campaign_key as campaign_key,
    keyed.campaign_source as campaign_source,
    keyed.campaign_medium as campaign_medium,
    keyed.campaign_name as campaign_name,
    keyed.channel::LowCardinality(String) as channel,
    keyed.impressions as impressions,
    keyed.clicks as clicks,
    keyed.amount as amount,
    keyed.currency as currency,
    {{ in_project_currency('keyed', 'amount') }} as cost,
    {{ project_currency('keyed.project_id') }} as project_currency
from keyed
{{ join_rates('keyed') }}
