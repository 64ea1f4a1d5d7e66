{{ retention_mart(title='Weekly retention', owner='product', period='week', periods=26, tags=['retention']) }}
