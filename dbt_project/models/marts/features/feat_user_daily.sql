-- depends_on: {{ ref('int_user_state_changes') }}
{{ config(
    materialized='by_day',
    partition_by='local_date',
    order_by=['project_id', 'person_key'],
    days_after=29,
    changed_from='int_user_state_changes',
) }}

-- What was known of each user at the end of each day, from their first day to the project's last.
with days as (
    select
        states.* except (from_day, begins, ends),
        arrayJoin(arrayMap(n -> begins + n, range(toUInt32(greatest(0, ends - begins))))) as local_date
    from (
        select
            *,
            greatest(from_day, {{ first_day() }}) as begins,
            least(
                leadInFrame(from_day, 1, toDate('2140-01-01')) over (
                    partition by project_id, person_key order by from_day rows between current row and 1 following
                ),
                {{ last_day() }} + 1,
                {{ last_day_with_events() }} + 1
            ) as ends
        from {{ ref('int_user_states') }}
    ) as states
),

-- A day with events counts on itself and on the 29 days behind it.
activity as (
    select
        project_id,
        person_key,
        local_date + age as known_on,
        countIf(age < 7) as active_days_7,
        count() as active_days_30,
        countIf(age < 15) as active_days_late,
        countIf(age >= 15) as active_days_early,
        min(age) as days_since_active,
        sum(events) as events_30,
        sum(views) as views_30,
        sum(feature_uses) as feature_uses_30,
        sum(orders) as orders_30,
        sumIf(errors, age < 7) as errors_7,
        sum(errors) as errors_30,
        sum(tickets) as tickets_30
    from {{ ref('int_user_days') }}
    array join range(30) as age
    where
        {{ in_days(before=29) }}
        and local_date + age between {{ first_day() }} and {{ last_day() }}
    group by project_id, person_key, known_on
)

select
    days.project_id as project_id,
    days.person_key as person_key,
    days.local_date as local_date,
    {%- for count in [
        'active_days_7', 'active_days_30', 'events_30', 'views_30', 'feature_uses_30', 'orders_30', 'errors_7', 'errors_30',
        'tickets_30',
    ] %}
    toUInt32(ifNull(activity.{{ count }}, 0)) as {{ count }},
    {%- endfor %}
    greatest(ifNull(
        (activity.active_days_early - activity.active_days_late) / greatest(activity.active_days_early, 1), 0
    ), 0)::Float64 as activity_fall_30,
    toUInt32(ifNull(activity.days_since_active, 30)) as days_since_active,
    days.plan as plan,
    days.country as country,
    days.tier as tier,
    toUInt32OrNull(toString(days.local_date - days.signed_up_on)) as days_since_sign_up,
    days.is_onboarded as is_onboarded,
    days.is_paying as is_paying,
    days.subscription_plan as subscription_plan,
    days.monthly_revenue as monthly_revenue,
    toUInt32OrNull(toString(days.local_date - days.plan_since)) as days_on_plan,
    ifNull(days.local_date - days.payment_failed_on < 30, false)::Bool as payment_failed_30
from days
left join activity
    on activity.project_id = days.project_id
    and activity.person_key = days.person_key
    and activity.known_on = days.local_date
