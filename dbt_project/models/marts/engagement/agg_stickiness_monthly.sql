{{ stickiness_mart(title='Stickiness by month', owner='product', period='month', tags=['engagement']) }}
