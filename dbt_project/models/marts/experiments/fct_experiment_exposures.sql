{{ config(order_by=['project_id', 'experiment', 'exposed_at']) }}

{%- set goals = {'signed_up': 'signed_up', 'onboarded': 'onboarding_completed', 'ordered': 'order_completed'} %}

-- Milestones are read once: what people saw, and when they did last what is a goal. Whoever did it at or after some time did
-- it last at or after that time.
with people as (
    select
        project_id,
        person_key,
        groupArrayIf(
            (experiment, timestamp, event_id, variant), event = 'experiment_viewed' and experiment != ''
        ) as views,
        {%- for event in goals.values() %}
        maxIf(timestamp, event = '{{ event }}') as {{ event }}_at{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('int_milestones') }}
    where event in ({{ quoted(['experiment_viewed'] + goals.values() | list) }})
    group by project_id, person_key
    having notEmpty(views)
),

exposures as (
    select
        people.* except (views),
        arraySort(arrayMap(view -> (view.2, view.3, view.4), arrayFilter(view -> view.1 = experiment, views))) as seen,
        arrayJoin(arrayDistinct(views.1)) as experiment
    from people
)

select
    {{ key_of('exposures.project_id', 'experiment', 'exposures.person_key') }} as experiment_exposure_key,
    exposures.project_id as project_id,
    toLowCardinality(exposures.experiment) as experiment,
    exposures.person_key as person_key,
    toLowCardinality(exposures.seen[1].3) as variant,
    toUInt16(length(arrayDistinct(exposures.seen.3))) as variants_seen,
    exposures.seen[1].1 as exposed_at,
    {{ local_date('exposures.seen[1].1', 'exposures.project_id') }} as local_date,
    {%- for name, event in goals.items() %}
    (exposures.{{ event }}_at >= exposures.seen[1].1)::Bool as has_{{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
from exposures
