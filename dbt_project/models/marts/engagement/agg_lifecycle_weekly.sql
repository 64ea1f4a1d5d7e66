{{ lifecycle_mart(title='Lifecycle by week', owner='product', period='week', tags=['engagement']) }}
