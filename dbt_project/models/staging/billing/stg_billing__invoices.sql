select
    project_id,
    invoice_id,
    subscription_id,
    {{ shared_id('user_id') }} as user_id,
    amount,
    currency,
    status,
    attempts,
    issued_at,
    failed_at,
    paid_at,
    updated_at,
    _loaded_at as loaded_at
from {{ source('raw', 'invoices') }} final
