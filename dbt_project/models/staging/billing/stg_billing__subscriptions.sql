select
    project_id,
    subscription_id,
    {{ shared_id('user_id') }} as user_id,
    plan,
    amount,
    currency,
    status,
    started_at,
    ended_at,
    updated_at,
    _loaded_at as loaded_at
from {{ source('raw', 'subscriptions') }} final
