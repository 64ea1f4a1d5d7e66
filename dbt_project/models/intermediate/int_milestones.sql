{{ config(
    materialized='by_day',
    partition_by='local_date',
    order_by=['project_id', 'event', 'person_key'],
) }}

select
    project_id,
    local_date,
    person_key,
    event,
    event_id,
    timestamp,
    toLowCardinality(ifNull(properties.experiment_id::Nullable(String), '')) as experiment,
    toLowCardinality(ifNull(properties.variant::Nullable(String), 'unknown')) as variant
from {{ ref('fct_events') }}
where
    {{ in_days() }}
    and person_id != ''
    and event in ('signed_up', 'onboarding_completed', 'order_completed', 'experiment_viewed')
