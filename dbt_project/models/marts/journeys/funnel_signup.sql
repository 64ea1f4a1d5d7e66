{{ funnel_mart(
    title='Sign-up',
    owner='growth',
    steps=[
        {'label': 'Saw a page', 'event': 'page_viewed'},
        {'label': 'Began to sign up', 'event': 'signup_started'},
        {'label': 'Signed up', 'event': 'signed_up'},
    ],
    tags=['acquisition'],
) }}
