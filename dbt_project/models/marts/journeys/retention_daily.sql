{{ retention_mart(title='Daily retention', owner='product', period='day', periods=30, tags=['retention']) }}
