{# On how many days after that of its begin a session may have events: it lasts at most 24 hours, which reach into the day
   after the next where an hour was put forward in between. #}
{% macro days_after_session_start() -%} {{ return(2) }} {%- endmacro %}
