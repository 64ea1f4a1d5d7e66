{{ config(order_by=['project_id', 'person_key', 'from_day']) }}

{%- set said = ['plan', 'country', 'tier'] %}

-- dim_users lets what was said first hold from the beginning. Here it holds from the day on which it was said.
with first_said as (
    select
        project_id,
        {{ key_of('project_id', 'user_id') }} as person_key,
        {%- for attribute in said %}
        minOrNullIf(said_on, {{ attribute }} != '') as {{ attribute }}_said_on,
        {%- endfor %}
        minOrNullIf(said_on, is_onboarded) as onboarded_said_on,
        minOrNullIf(said_on, joined_on is not null) as signed_up_said_on,
        argMinOrNullIf(joined_on, (said_on, joined_on), joined_on is not null) as signed_up_on
    from (
        select
            project_id,
            user_id,
            {{ local_date('updated_at') }} as said_on,
            {%- for attribute in said %}
            ifNull(toString({{ attribute }}), '') as {{ attribute }},
            {%- endfor %}
            onboarded_at is not null as is_onboarded,
            if(created_at > updated_at, null, {{ local_date('created_at') }}) as joined_on
        from {{ ref('stg_crm__customers') }}
        union all
        select
            project_id,
            user_id,
            {{ local_date() }} as said_on,
            plan,
            country,
            '' as tier,
            false as is_onboarded,
            if(signed_up_at > timestamp, null, {{ local_date('signed_up_at') }}) as joined_on
        from {{ ref('int_user_traits') }}
    )
    group by project_id, person_key
),

versions as (
    select
        project_id,
        person_key,
        arraySort(groupArray(({{ local_date('valid_from') }}, valid_from, {{ said | join(', ') }}))) as versions
    from {{ ref('dim_users') }}
    where person_key != 0
    group by project_id, person_key
),

-- A stretch ends on the day on which it is over at the day's end; without an end it never does.
subscriptions as (
    select
        project_id,
        person_key,
        arraySort(groupArray((
            local_date,
            if(ended_at is null, toDate('2140-01-01'), {{ local_date('assumeNotNull(ended_at)') }}),
            plan,
            toFloat64(monthly_revenue)
        ))) as stretches
    from {{ ref('fct_subscriptions') }}
    where person_key != 0 and monthly_amount > 0
    group by project_id, person_key
),

failures as (
    select
        project_id,
        {{ key_of('project_id', 'user_id') }} as person_key,
        arraySort(groupUniqArray({{ local_date('assumeNotNull(failed_at)') }})) as failed_on
    from {{ ref('stg_billing__invoices') }}
    where failed_at is not null
    group by project_id, person_key
),

-- Nobody is known before their first day with an event of their own.
users as (
    select project_id, person_key, min(local_date) as first_day
    from {{ ref('int_user_days') }}
    group by project_id, person_key
),

days as (
    select
        users.project_id as project_id,
        users.person_key as person_key,
        users.first_day as first_day,
        {%- for attribute in said + ['onboarded', 'signed_up'] %}
        first_said.{{ attribute }}_said_on as {{ attribute }}_said_on,
        {%- endfor %}
        first_said.signed_up_on as signed_up_on,
        versions.versions as versions,
        subscriptions.stretches as stretches,
        failures.failed_on as failed_on,
        arrayJoin(arraySort(arrayDistinct(arrayFilter(
            day -> day >= first_day,
            arrayConcat(
                [first_day],
                arrayMap(version -> version.1, versions),
                arrayMap(stretch -> stretch.1, stretches),
                arrayMap(stretch -> stretch.2, arrayFilter(stretch -> stretch.2 < toDate('2140-01-01'), stretches)),
                failed_on,
                [
                    {%- for attribute in said + ['onboarded', 'signed_up'] %}
                    ifNull({{ attribute }}_said_on, toDate(0)){{ ',' if not loop.last }}
                    {%- endfor %}
                ]
            )
        )))) as from_day
    from users
    left join first_said on first_said.project_id = users.project_id and first_said.person_key = users.person_key
    left join versions on versions.project_id = users.project_id and versions.person_key = users.person_key
    left join subscriptions on subscriptions.project_id = users.project_id and subscriptions.person_key = users.person_key
    left join failures on failures.project_id = users.project_id and failures.person_key = users.person_key
)

select
    project_id,
    person_key,
    from_day,
    {%- for attribute in said %}
    toLowCardinality(
        if(ifNull({{ attribute }}_said_on <= from_day, false), version.{{ loop.index + 2 }}, 'unknown')
    ) as {{ attribute }},
    {%- endfor %}
    ifNull(onboarded_said_on <= from_day, false)::Bool as is_onboarded,
    if(signed_up_said_on <= from_day, signed_up_on, null) as signed_up_on,
    notEmpty(running)::Bool as is_paying,
    toLowCardinality(if(is_paying, running[1].3, 'none')) as subscription_plan,
    if(is_paying, arraySum(arrayMap(stretch -> ifNull(stretch.4, 0), running)), 0) as monthly_revenue,
    if(is_paying, running[1].1, null) as plan_since,
    nullIf(arrayMax(arrayPushBack(arrayFilter(day -> day <= from_day, failed_on), toDate(0))), toDate(0)) as payment_failed_on
from (
    select
        *,
        arrayLast(version -> version.1 <= from_day, versions) as version,
        arrayFilter(stretch -> stretch.1 <= from_day and stretch.2 > from_day, stretches) as running
    from days
)
