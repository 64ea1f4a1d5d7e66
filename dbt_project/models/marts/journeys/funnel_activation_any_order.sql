{{ funnel_mart(
    title='Activation, in any order',
    owner='product',
    steps=[
        {'label': 'Signed up', 'event': 'signed_up'},
        {'label': 'Finished the onboarding', 'event': 'onboarding_completed'},
        {'label': 'Created a project', 'event': 'project_created'},
    ],
    order='unordered',
    tags=['activation'],
) }}
