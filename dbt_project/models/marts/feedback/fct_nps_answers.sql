{{ config(order_by=['project_id', 'answered_at']) }}

with answers as (
    select
        *,
        {{ key_of('project_id', 'user_id') }} as person_key
    from {{ ref('stg_surveys__nps_answers') }}
)

select
    {{ key_of('answers.project_id', 'answers.user_id', 'answers.answered_at') }} as nps_answer_key,
    answers.project_id as project_id,
    answers.user_id as person_id,
    answers.person_key as person_key,
    ifNull(users.user_version_key, 0) as user_version_key,
    answers.answered_at as answered_at,
    {{ local_date('answers.answered_at', 'answers.project_id') }} as local_date,
    answers.score as score,
    multiIf(answers.score >= 9, 'promoter', answers.score >= 7, 'passive', 'detractor')::LowCardinality(String) as answer_group
from answers
{{ join_users_as_of('answers', 'answered_at', ref('dim_users')) }}
