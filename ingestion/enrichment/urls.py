"""The parts of an address and what it says of a campaign, as SQL over the address: staging calculates them.

No lookup table: addresses are nearly all different, and ClickHouse takes them apart faster than it could join them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

UTM_PARAMETERS = ("source", "medium", "campaign", "term", "content")

# Parameter -> network and medium; of several in one address the first here counts. Facebook marks every link that
# leaves it, paid or not, so fbclid says only `social`.
CLICK_IDS: Mapping[str, tuple[str, str]] = {
    "gclid": ("google", "cpc"),
    "gbraid": ("google", "cpc"),
    "wbraid": ("google", "cpc"),
    "dclid": ("google", "display"),
    "msclkid": ("bing", "cpc"),
    "ttclid": ("tiktok", "paid_social"),
    "li_fat_id": ("linkedin", "paid_social"),
    "twclid": ("x", "paid_social"),
    "rdt_cid": ("reddit", "paid_social"),
    "epik": ("pinterest", "paid_social"),
    "ScCid": ("snapchat", "paid_social"),
    "yclid": ("yandex", "cpc"),
    "irclickid": ("impact", "affiliate"),
    "fbclid": ("facebook", "social"),
    "igshid": ("instagram", "social"),
}


def url_columns(url: str) -> dict[str, str]:
    """Column -> expression, for an address in SQL. Texts, empty where the address says nothing."""
    given = ", ".join(f"('{name}', extractURLParameter({url}, '{name}'))" for name in CLICK_IDS)
    found = f"arrayFirst(parameter -> parameter.2 != '', [{given}])"
    names = _texts(CLICK_IDS)
    networks, media = zip(*CLICK_IDS.values(), strict=True)
    return {
        "url_host": f"domainWithoutWWW(lower({url}))",
        "url_path": f"decodeURLComponent(path({url}))",
        "url_query": f"queryString({url})",
        **{f"utm_{name}": _decoded(f"extractURLParameter({url}, 'utm_{name}')") for name in UTM_PARAMETERS},
        "click_id_parameter": f"{found}.1",
        "click_id": _decoded(f"{found}.2"),
        "click_network": f"transform({found}.1, [{names}], [{_texts(networks)}], '')",
        "click_medium": f"transform({found}.1, [{names}], [{_texts(media)}], '')",
    }


def _decoded(text: str) -> str:
    # As forms are: a plus is a space there.
    return f"trim(decodeURLFormComponent({text}))"


def _texts(values: Iterable[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)
