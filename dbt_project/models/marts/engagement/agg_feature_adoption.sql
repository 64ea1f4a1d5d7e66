{{ adoption_mart(
    title='Feature adoption by week',
    owner='product',
    features=[
        {'label': '{feature}', 'event': 'feature_used'},
        {'label': 'reports', 'event': 'report_viewed'},
        {'label': 'uploads', 'event': 'file_uploaded'},
        {'label': 'integrations', 'event': 'integration_connected'},
        {'label': 'invitations', 'event': 'teammate_invited'},
    ],
    tags=['engagement'],
) }}
