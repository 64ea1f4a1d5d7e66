select
    project_id,
    product_id,
    name as product_name,
    category,
    price,
    currency,
    _loaded_at as loaded_at
from {{ source('raw', 'products') }} final
