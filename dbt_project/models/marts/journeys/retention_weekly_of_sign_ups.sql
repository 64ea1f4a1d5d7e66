-- People sign up once: one kind of cohort says it all.
{{ retention_mart(
    title='Weekly retention after the sign-up',
    owner='growth',
    start='signed_up',
    period='week',
    periods=26,
    kinds=['first_ever'],
    tags=['retention'],
) }}
