select
    project_id,
    toDate(date) as local_date,
    from_currency,
    to_currency,
    rate,
    _loaded_at as loaded_at
from {{ source('raw', 'currency_rates') }} final
