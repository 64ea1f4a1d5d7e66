{# Steps that several funnels ask for, each by its own rules. #}

{% macro purchase_steps() %}
    {{ return([
        {'label': 'Viewed a product', 'event': 'product_viewed'},
        {'label': 'Put it into the cart', 'event': 'product_added'},
        {'label': 'Went to the checkout', 'event': 'checkout_started'},
        {'label': 'Ordered', 'event': 'order_completed'},
    ]) }}
{% endmacro %}

{% macro activation_steps() %}
    {{ return([
        {'label': 'Signed up', 'event': 'signed_up'},
        {'label': 'Finished the onboarding', 'event': 'onboarding_completed'},
        {'label': 'Created a project', 'event': 'project_created'},
    ]) }}
{% endmacro %}
