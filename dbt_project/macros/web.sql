{# The host of an address, as the lookup of referrers knows it (a test compares). #}
{% macro host_of(url) -%} domainWithoutWWW(lower({{ url }})) {%- endmacro %}

{# A parameter of an address as a form has it: a plus is a space. #}
{% macro url_parameter(url, name) -%} trim(decodeURLFormComponent(extractURLParameter({{ url }}, '{{ name }}'))) {%- endmacro %}

{# What the SDK says of the campaign; where it says nothing, what the page's address says. #}
{% macro campaign_field(name, parameter) -%}
    if(context.campaign.{{ name }} != '', toString(context.campaign.{{ name }}), {{ url_parameter('context.page.url', parameter) }})
{%- endmacro %}

{# What a click id in an address says of who was paid: its `network` or its `medium`. Of several in one address the first
   here counts. Facebook marks every link that leaves it, paid or not, so fbclid says only social. #}
{% macro click_id(url, column) -%}
    {%- set click_ids = [
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
    ] -%}
    multiIf(
    {%- for row in click_ids -%}
        extractURLParameter({{ url }}, '{{ row.parameter }}') != '', '{{ row[column] }}',
    {%- endfor -%}
    '')
{%- endmacro %}

{#
    Where somebody came from. A campaign goes before a referrer; the site's own pages, logins and payments are no
    referrers. `medium` and `source` in lower case; `referrer` is the kind of the referrer: search, social, mail,
    ai_assistant, other, or nothing. The cases are in tests/integration/channel_cases.py.
#}
{% macro channel(medium, source, referrer, name="''") -%}
    {%- set is_social -%} {{ source }} in ({{ _social_networks() }}) {%- endset -%}
    {%- set is_search -%} {{ source }} in ({{ _search_engines() }}) {%- endset -%}
    multiIf(
        {{ medium }} in ('paid_social', 'paidsocial', 'paid-social', 'social_paid', 'social-paid'), 'paid_social',
        {{ medium }} in ('cpc', 'ppc', 'paid') and {{ is_social }}, 'paid_social',
        {{ medium }} in ('cpc', 'ppc', 'paidsearch', 'paid_search', 'paid-search', 'sem'), 'paid_search',
        {{ medium }} = 'paid' and {{ is_search }}, 'paid_search',
        {{ medium }} in ('display', 'banner', 'cpm', 'expandable', 'interstitial', 'retargeting', 'remarketing'), 'display',
        {{ medium }} in ('video', 'cpv', 'paid_video'), 'paid_video',
        {{ medium }} in ('affiliate', 'affiliates', 'partner'), 'affiliate',
        {{ medium }} in ('email', 'e-mail', 'e_mail', 'mail', 'newsletter'), 'email',
        {{ medium }} in ('sms', 'push', 'web_push', 'mobile_push', 'notification', 'in_app', 'whatsapp'), 'messaging',
        {{ medium }} in ('social', 'organic_social', 'organic-social', 'social-network', 'social_media', 'social-media', 'sm'), 'organic_social',
        {{ medium }} = 'organic' and {{ is_social }}, 'organic_social',
        {{ medium }} = 'organic', 'organic_search',
        {{ medium }} in ('referral', 'link'), 'referral',
        {#- As other tools write that there is no campaign. -#}
        {{ medium }} in ('(none)', '(not set)') and {{ source }} in ('', '(direct)', 'direct'), 'direct',
        {{ medium }} != '', 'other_campaign',
        {#- AI assistants put their name into the links that they give, and nothing else. -#}
        {{ source }} in ({{ _ai_assistants() }}), 'ai_assistant',
        {{ is_social }}, 'organic_social',
        {{ source }} in ('newsletter', 'email'), 'email',
        {{ source }} != '' or {{ name }} != '', 'other_campaign',
        {{ referrer }} = 'search', 'organic_search',
        {{ referrer }} = 'social', 'organic_social',
        {{ referrer }} = 'mail', 'email',
        {{ referrer }} = 'ai_assistant', 'ai_assistant',
        {{ referrer }} = 'other', 'referral',
        'direct'
    )
{%- endmacro %}

{% macro _social_networks() -%}
    'facebook', 'facebook.com', 'fb', 'meta', 'instagram', 'instagram.com', 'ig', 'threads', 'linkedin', 'linkedin.com', 'x', 'x.com',
    'twitter', 'twitter.com', 't.co', 'tiktok', 'tiktok.com', 'reddit', 'reddit.com', 'pinterest', 'pinterest.com', 'snapchat', 'bluesky', 'mastodon'
{%- endmacro %}

{% macro _search_engines() -%}
    'google', 'google.com', 'adwords', 'bing', 'bing.com', 'yahoo', 'duckduckgo', 'ecosia', 'yandex', 'baidu', 'naver', 'seznam', 'brave'
{%- endmacro %}

{% macro _ai_assistants() -%}
    'chatgpt.com', 'chatgpt', 'openai', 'perplexity', 'perplexity.ai', 'claude', 'claude.ai', 'gemini', 'gemini.google.com',
    'copilot', 'copilot.com', 'copilot.microsoft.com', 'deepseek', 'mistral'
{%- endmacro %}
