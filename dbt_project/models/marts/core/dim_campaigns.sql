{{ config(order_by='campaign_key') }}

with campaigns as (
    {{ members_so_far('int_campaign_days', 'campaign_key', [
        'campaign_source', 'campaign_medium', 'campaign_name', 'campaign_term', 'campaign_content'
    ]) }}
    union all
    -- Those that are paid for, as a whole: nobody need have come by them.
    select
        campaign_key,
        toString(any(spend.project_id)),
        toString(any(spend.campaign_source)),
        toString(any(spend.campaign_medium)),
        toString(any(spend.campaign_name)),
        '',
        '',
        null,
        null
    from {{ ref('fct_marketing_spend') }} as spend
    where campaign_key != 0 and campaign_key not in (select campaign_key from {{ ref('int_campaign_days') }})
    group by campaign_key
)

select *, {{ channel('campaign_medium', 'campaign_source', "''", 'campaign_name') }} as channel
from campaigns
union all
select toUInt64(0), '', 'unknown', 'unknown', 'unknown', '', '', null, null, 'unknown'
