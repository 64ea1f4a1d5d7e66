{{ funnel_mart(
    title='Activation, in any order',
    owner='product',
    steps=activation_steps(),
    order='unordered',
    tags=['activation'],
) }}
