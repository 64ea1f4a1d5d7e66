{{ funnel_mart(
    title='Purchase, straight through',
    owner='shop',
    steps=purchase_steps(),
    order='strict',
    tags=['revenue'],
) }}
