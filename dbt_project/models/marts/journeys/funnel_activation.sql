{{ funnel_mart(
    title='Activation',
    owner='product',
    steps=activation_steps(),
    tags=['activation'],
) }}
