{{ paths_mart(
    title='What people do after they signed up',
    owner='growth',
    anchor={'label': 'Signed up', 'event': 'signed_up'},
    depth=5,
    tags=['activation'],
) }}
