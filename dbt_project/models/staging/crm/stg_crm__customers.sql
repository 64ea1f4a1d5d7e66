select
    project_id,
    {{ shared_id('user_id') }} as user_id,
    email,
    name,
    plan,
    country,
    tier,
    company_id,
    is_internal,
    created_at,
    onboarded_at,
    updated_at,
    _loaded_at as loaded_at
from {{ source('raw', 'customers') }} final
