{{ config(order_by=['project_id', 'experiment', 'exposed_at']) }}

{%- set goals = {'signed_up': 'signed_up', 'onboarded': 'onboarding_completed', 'ordered': 'order_completed'} %}

with views as (
    select project_id, person_key, event_id, timestamp, experiment, variant
    from {{ ref('int_milestones') }}
    where event = 'experiment_viewed'
),

exposures as (
    select
        project_id,
        experiment,
        person_key,
        argMin(views.variant, (views.timestamp, views.event_id)) as variant,
        uniqExact(views.variant) as variants_seen,
        min(views.timestamp) as exposed_at
    from views
    where experiment != ''
    group by project_id, experiment, person_key
),

-- Whoever did it at or after some time did it last at or after that time.
goals as (
    select
        project_id,
        person_key,
        {%- for event in goals.values() %}
        maxIf(timestamp, event = '{{ event }}') as {{ event }}_at{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('int_milestones') }}
    where event in ({{ quoted(goals.values()) }})
    group by project_id, person_key
)

select
    {{ key_of('exposures.project_id', 'experiment', 'exposures.person_key') }} as experiment_exposure_key,
    exposures.project_id as project_id,
    exposures.experiment as experiment,
    exposures.person_key as person_key,
    toLowCardinality(exposures.variant) as variant,
    toUInt16(exposures.variants_seen) as variants_seen,
    exposures.exposed_at as exposed_at,
    {{ local_date('exposures.exposed_at', 'exposures.project_id') }} as local_date,
    {%- for name, event in goals.items() %}
    ifNull(goals.{{ event }}_at >= exposures.exposed_at, false)::Bool as has_{{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
from exposures
left join goals on goals.project_id = exposures.project_id and goals.person_key = exposures.person_key
