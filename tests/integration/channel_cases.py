"""Where visits come from: what the first page's address carries and who sent people there, and the channel of it."""

CASES: tuple[tuple[str, str, str], ...] = (
    # query string, referrer, channel
    ("", "", "direct"),
    ("", "https://shop.example/pricing", "direct"),  # our own pages
    ("", "https://accounts.google.com/o/oauth2", "direct"),  # back from a login
    ("", "https://www.google.com/", "organic_search"),
    ("", "https://duckduckgo.com/", "organic_search"),
    ("", "https://www.bing.com/search?q=millrace", "organic_search"),
    ("", "https://www.facebook.com/", "organic_social"),
    ("", "https://www.linkedin.com/feed/", "organic_social"),
    ("", "https://mail.google.com/", "email"),
    ("", "https://chatgpt.com/", "ai_assistant"),
    ("", "https://www.perplexity.ai/", "ai_assistant"),
    ("", "https://saas-weekly.example/tools", "referral"),
    ("utm_source=google&utm_medium=cpc&utm_campaign=brand", "https://www.google.com/", "paid_search"),
    ("utm_source=Bing&utm_medium=CPC", "", "paid_search"),
    ("utm_source=bing&utm_medium=ppc", "", "paid_search"),
    ("utm_source=google&utm_medium=paid", "", "paid_search"),
    ("utm_source=google&utm_medium=paid_search", "", "paid_search"),
    ("gclid=Cj0KCQ", "https://www.google.com/", "paid_search"),
    ("utm_source=google&gclid=Cj0KCQ", "", "paid_search"),
    ("msclkid=abc", "", "paid_search"),
    ("gbraid=0AAAA", "", "paid_search"),
    ("utm_source=facebook&utm_medium=cpc", "https://www.facebook.com/", "paid_social"),
    ("utm_source=facebook&utm_medium=paid_social&utm_campaign=lookalike", "", "paid_social"),
    ("utm_source=linkedin.com&utm_medium=paid", "", "paid_social"),
    ("utm_source=ig&utm_medium=paid-social", "", "paid_social"),
    ("ttclid=E.C.P", "", "paid_social"),
    ("li_fat_id=1a2b", "https://www.linkedin.com/", "paid_social"),
    ("utm_source=gdn&utm_medium=display&utm_campaign=retargeting", "", "display"),
    ("utm_source=criteo&utm_medium=retargeting", "", "display"),
    ("utm_source=programmatic&utm_medium=cpm", "", "display"),
    ("dclid=CjgK", "", "display"),
    ("utm_source=youtube&utm_medium=video", "", "paid_video"),
    ("utm_source=partnerstack&utm_medium=affiliate", "https://reviews.example/best", "affiliate"),
    ("irclickid=xyz", "", "affiliate"),
    ("utm_source=newsletter&utm_medium=email&utm_campaign=product_news", "", "email"),
    ("utm_source=lifecycle&utm_medium=e-mail", "", "email"),
    ("utm_source=newsletter", "", "email"),
    ("utm_source=twilio&utm_medium=sms", "", "messaging"),
    ("utm_source=braze&utm_medium=push", "", "messaging"),
    ("utm_source=facebook&utm_medium=social", "", "organic_social"),
    ("utm_source=linkedin&utm_medium=organic", "", "organic_social"),
    ("utm_source=reddit", "", "organic_social"),
    ("fbclid=IwAR", "https://l.facebook.com/", "organic_social"),  # Facebook marks every link, paid or not
    ("utm_source=google&utm_medium=organic", "", "organic_search"),
    ("utm_source=bigpartner&utm_medium=referral", "", "referral"),
    ("utm_source=chatgpt.com", "", "ai_assistant"),  # as ChatGPT writes its links
    ("utm_source=perplexity", "", "ai_assistant"),
    ("utm_source=podcast&utm_medium=audio", "", "other_campaign"),
    ("utm_source=podcast&utm_medium=paid", "", "other_campaign"),
    ("utm_source=leaflet", "https://www.google.com/", "other_campaign"),  # a campaign goes before a referrer
    ("utm_campaign=spring", "", "other_campaign"),
    ("utm_content=button", "https://www.google.com/", "organic_search"),  # content alone names no campaign
    ("utm_source=(direct)&utm_medium=(none)", "", "direct"),
    ("utm_source=e%20mail+list&utm_medium=Email", "", "email"),
)
