{{ config(order_by=['project_id', 'product_id']) }}

with ordered as (
    select distinct project_id, product_id
    from {{ ref('fct_order_items') }}
    where product_id != ''
),

-- Also products that were ordered and are not in the catalogue (any more).
products as (
    select project_id, product_id, product_name, category, price, currency, true as is_in_catalogue
    from {{ ref('stg_shop__products') }}
    union all
    select project_id, product_id, null, null, null, null, false as is_in_catalogue
    from ordered
    where (project_id, product_id) not in (select project_id, product_id from {{ ref('stg_shop__products') }})
)

select
    {{ key_of('products.project_id', 'products.product_id') }} as product_key,
    products.project_id as project_id,
    products.product_id as product_id,
    ifNull(products.product_name, 'unknown') as product_name,
    ifNull(toString(products.category), 'unknown')::LowCardinality(String) as category,
    products.price as list_price,
    ifNull(toString(products.currency), '')::LowCardinality(String) as currency,
    products.is_in_catalogue as is_in_catalogue
from products

union all

select
    0::UInt64 as product_key,
    ''::LowCardinality(String) as project_id,
    '' as product_id,
    'unknown' as product_name,
    'unknown'::LowCardinality(String) as category,
    null as list_price,
    ''::LowCardinality(String) as currency,
    false as is_in_catalogue
