{{ config(order_by=['project_id', 'person_key']) }}

-- What a person was like on the first days is a matter of all history, so it is made anew, from days of people.
with days as (
    select
        project_id,
        person_key,
        min(first_at) as first_seen_at,
        min(local_date) as first_seen_on,
        max(local_date) as last_seen_on,
        groupArray(local_date) as active_on,
        {{ last_day_with_events() }} as last_day
    from {{ ref('agg_person_days') }}
    group by project_id, person_key
),

-- The session that began first.
first_sessions as (
    select
        project_id,
        person_key,
        argMin(
            (channel, campaign_source, campaign_medium, campaign_name, country, device_type), (started_at, session_key)
        ) as first_session
    from {{ ref('fct_sessions') }}
    group by project_id, person_key
),

bought as (
    select project_id, person_key, groupArray((local_date, ifNull(revenue, 0))) as orders
    from {{ ref('fct_orders') }}
    group by project_id, person_key
),

-- The first of each; who never came so far has no time.
steps as (
    select
        project_id,
        person_key,
        minOrNullIf(timestamp, event = 'signed_up') as signed_up_at,
        minOrNullIf(timestamp, event = 'onboarding_completed') as onboarded_at,
        minOrNullIf(local_date, event = 'signed_up') as signed_up_on
    from {{ ref('int_milestones') }}
    where event in ('signed_up', 'onboarding_completed')
    group by project_id, person_key
),

subscribed as (
    select project_id, person_key, min(started_at) as subscribed_at
    from {{ ref('fct_subscriptions') }}
    where monthly_amount > 0
    group by project_id, person_key
)

select
    days.person_key as person_key,
    days.project_id as project_id,
    days.first_seen_at as first_seen_at,
    days.first_seen_on as first_seen_on,
    days.last_seen_on as last_seen_on,
    toUInt32(length(days.active_on)) as active_days,
    {%- for column in ['channel', 'campaign_source', 'campaign_medium', 'campaign_name', 'country', 'device_type'] %}
    toLowCardinality(
        ifNull(
            first_sessions.first_session.{{ loop.index }},
            '{{ '' if column.startswith('campaign') else 'unknown' }}'
        )
    ) as {{ column }},
    {%- endfor %}
    {%- for day in [1, 7, 30] %}
    if(
        days.first_seen_on + {{ day }} > days.last_day, null, has(days.active_on, days.first_seen_on + {{ day }})
    )::Nullable(Bool) as returned_on_day_{{ day }},
    {%- endfor %}
    steps.signed_up_at as signed_up_at,
    steps.onboarded_at as onboarded_at,
    subscribed.subscribed_at as subscribed_at,
    {%- for column, step, day in [('activated', 'steps.onboarded_at', 7), ('paid', 'subscribed.subscribed_at', 30)] %}
    if(
        steps.signed_up_on + {{ day }} <= days.last_day,
        ifNull({{ step }} between steps.signed_up_at and steps.signed_up_at + interval {{ day }} day, false),
        null
    )::Nullable(Bool) as {{ column }}_in_{{ day }}_days,
    {%- endfor %}
    {%- for day in [30, 90] %}
    if(
        days.first_seen_on + {{ day }} > days.last_day + 1,
        null,
        arraySum(arrayMap(bill -> if(bill.1 < days.first_seen_on + {{ day }}, bill.2, 0), bought.orders))
    )::Nullable(Decimal(38, 12)) as revenue_of_{{ day }}_days{{ ',' if not loop.last }}
    {%- endfor %}
from days
left join first_sessions on first_sessions.project_id = days.project_id and first_sessions.person_key = days.person_key
left join bought on bought.project_id = days.project_id and bought.person_key = days.person_key
left join steps on steps.project_id = days.project_id and steps.person_key = days.person_key
left join subscribed on subscribed.project_id = days.project_id and subscribed.person_key = days.person_key
