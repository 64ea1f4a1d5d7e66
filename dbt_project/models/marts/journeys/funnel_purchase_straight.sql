{{ funnel_mart(
    title='Purchase, straight through',
    owner='shop',
    steps=[
        {'label': 'Viewed a product', 'event': 'product_viewed'},
        {'label': 'Put it into the cart', 'event': 'product_added'},
        {'label': 'Went to the checkout', 'event': 'checkout_started'},
        {'label': 'Ordered', 'event': 'order_completed'},
    ],
    order='strict',
    tags=['revenue'],
) }}
