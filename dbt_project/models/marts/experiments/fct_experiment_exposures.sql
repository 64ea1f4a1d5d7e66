{{ config(order_by=['project_id', 'experiment', 'exposed_at']) }}

select
    {{ key_of('project_id', 'experiment', 'person_key') }} as experiment_exposure_key,
    project_id,
    experiment,
    person_key,
    toLowCardinality(argMin(views.variant, (views.timestamp, views.event_id))) as variant,
    toUInt16(uniqExact(views.variant)) as variants_seen,
    min(views.timestamp) as exposed_at,
    {{ local_date('exposed_at') }} as local_date
from (
    select
        project_id,
        person_key,
        event_id,
        timestamp,
        toLowCardinality(ifNull(properties.experiment_id::Nullable(String), '')) as experiment,
        toLowCardinality(ifNull(properties.variant::Nullable(String), 'unknown')) as variant
    from {{ ref('fct_events') }}
    where event = 'experiment_viewed' and person_id != ''
) as views
where experiment != ''
group by project_id, experiment, person_key
