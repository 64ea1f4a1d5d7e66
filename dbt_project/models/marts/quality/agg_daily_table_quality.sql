{{ config(order_by=['project_id', 'local_date', 'asset']) }}

-- What was found of a table as a whole holds for each project.
with measured as (
    select
        projects.project_id::LowCardinality(String) as project_id,
        scores.day as local_date,
        scores.asset as asset,
        argMax(
            tuple(score, completeness, validity, uniqueness, timeliness, consistency), scores.written_at
        ) as newest
    from {{ ref('stg_ops__quality_scores') }} as scores
    cross join {{ ref('dim_projects') }} as projects
    where projects.project_id != '' and scores.project_id in ('', projects.project_id)
    group by projects.project_id, scores.day, scores.asset
)

select
    project_id,
    local_date,
    asset,
    newest.1 as score,
    newest.2 as completeness,
    newest.3 as validity,
    newest.4 as uniqueness,
    newest.5 as timeliness,
    newest.6 as consistency
from measured
