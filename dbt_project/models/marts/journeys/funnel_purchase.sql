{{ funnel_mart(
    title='Purchase',
    owner='shop',
    steps=purchase_steps(),
    tags=['revenue'],
) }}
