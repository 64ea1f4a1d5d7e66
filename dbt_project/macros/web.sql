{# A parameter of an address as a form has it: a plus is a space. #}
{% macro url_parameter(url, name) -%} trim(decodeURLFormComponent(extractURLParameter({{ url }}, '{{ name }}'))) {%- endmacro %}

{# What the SDK says of the campaign; where it says nothing, what the page's address says. #}
{% macro campaign_field(name, parameter) -%}
    if(context.campaign.{{ name }} != '', toString(context.campaign.{{ name }}), {{ url_parameter('context.page.url', parameter) }})
{%- endmacro %}

{# What a click id in an address says of who was paid: the seed click_ids, of several the first there. #}
{% macro click_id(url, column) -%}
    {%- set rows = _click_ids() -%}
    {%- if rows | length -%}
    multiIf(
    {%- for row in rows -%}
        extractURLParameter({{ url }}, '{{ row.parameter }}') != '', '{{ row[column] }}',
    {%- endfor -%}
    '')
    {%- else -%} '' {%- endif -%}
{%- endmacro %}

{# Parameter -> network and medium; of several in one address the first here counts. Facebook marks every link that
   leaves it, paid or not, so fbclid says only social. #}
{% macro _click_ids() %}
    {{ return([
        {'parameter': 'gclid', 'network': 'google', 'medium': 'cpc'},
        {'parameter': 'gbraid', 'network': 'google', 'medium': 'cpc'},
        {'parameter': 'wbraid', 'network': 'google', 'medium': 'cpc'},
        {'parameter': 'dclid', 'network': 'google', 'medium': 'display'},
        {'parameter': 'msclkid', 'network': 'bing', 'medium': 'cpc'},
        {'parameter': 'ttclid', 'network': 'tiktok', 'medium': 'paid_social'},
        {'parameter': 'li_fat_id', 'network': 'linkedin', 'medium': 'paid_social'},
        {'parameter': 'twclid', 'network': 'x', 'medium': 'paid_social'},
        {'parameter': 'rdt_cid', 'network': 'reddit', 'medium': 'paid_social'},
        {'parameter': 'epik', 'network': 'pinterest', 'medium': 'paid_social'},
        {'parameter': 'ScCid', 'network': 'snapchat', 'medium': 'paid_social'},
        {'parameter': 'yclid', 'network': 'yandex', 'medium': 'cpc'},
        {'parameter': 'irclickid', 'network': 'impact', 'medium': 'affiliate'},
        {'parameter': 'fbclid', 'network': 'facebook', 'medium': 'social'},
        {'parameter': 'igshid', 'network': 'instagram', 'medium': 'social'},
    ]) }}
{% endmacro %}

{#
    Where somebody came from. A campaign goes before a referrer; the site's own pages, logins and payments are no
    referrers. `medium` and `source` in lower case; `referrer` is the kind of the referrer: search, social, mail,
    ai_assistant, other, or nothing. The cases are in the unit tests of this macro.
#}
{% macro channel(medium='medium', source='source', referrer='referrer_kind') -%}
    multiIf(
        {{ medium }} in ('cpc', 'ppc', 'paidsearch', 'paid_search', 'sem') and {{ source }} not in ({{ _social_networks() }}), 'paid_search',
        {{ medium }} in ('paid_social', 'paidsocial', 'paid-social', 'social_paid', 'cpc', 'ppc'), 'paid_social',
        {{ medium }} in ('display', 'banner', 'cpm', 'expandable', 'interstitial', 'retargeting'), 'display',
        {{ medium }} in ('video', 'cpv'), 'paid_video',
        {{ medium }} in ('affiliate', 'affiliates', 'partner'), 'affiliate',
        {{ medium }} in ('email', 'e-mail', 'e_mail', 'mail', 'newsletter'), 'email',
        {{ medium }} in ('sms', 'push', 'notification', 'in_app'), 'messaging',
        {{ medium }} in ('social', 'social-network', 'social_media', 'sm'), 'organic_social',
        {{ medium }} in ('organic'), 'organic_search',
        {{ medium }} in ('referral', 'link'), 'referral',
        {{ medium }} != '' or {{ source }} != '', 'other_campaign',
        {{ referrer }} = 'search', 'organic_search',
        {{ referrer }} = 'social', 'organic_social',
        {{ referrer }} = 'mail', 'email',
        {{ referrer }} = 'ai_assistant', 'ai_assistant',
        {{ referrer }} = 'other', 'referral',
        'direct'
    )
{%- endmacro %}

{% macro _social_networks() -%}
    'facebook', 'fb', 'instagram', 'ig', 'linkedin', 'x', 'twitter', 'tiktok', 'reddit', 'pinterest', 'snapchat', 'meta'
{%- endmacro %}
