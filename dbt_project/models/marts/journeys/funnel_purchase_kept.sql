{{ funnel_mart(
    title='Purchase with nothing taken out',
    owner='shop',
    steps=purchase_steps(),
    exclusions=[{'event': 'product_removed'}],
    tags=['revenue'],
) }}
