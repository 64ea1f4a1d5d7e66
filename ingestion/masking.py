"""Taking what is personal out of JSON text, as ClickHouse expressions.

Texts are worked on as they are, not as trees: ClickHouse has no recursion over JSON, and the same patterns must hold
for lines that are no JSON any more. What comes out of good JSON is good JSON, of the same shape: a value is replaced
by null, [] or {}, never its key. docs/privacy.md says for people what is found and what is not.

Every function takes a text and gives an expression; steps are chained as lambdas over an array of texts, so that a row
whose array is empty costs nothing, and that no expression is written out twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ingestion.contract import BROKEN_OFF
from ingestion.enrichment.ip_privacy import network
from ingestion.network_addresses import ADDRESS, without_addresses
from ingestion.privacy import EMAIL, MASKED, masked_emails_sql, pseudonym_sql, replace_each_sql, sql_text
from ingestion.registry import Pii, Registry, Schema

# Names of personal things: words, put together in whatever way (firstName, first_name, $first-name, FIRST NAME).
_NAMES_OF = (
    "first last full given family middle nick display user maiden sur fore legal preferred real birth customer "
    "contact billing shipping recipient sender owner author creator cardholder holder buyer guest patient employee "
    "member lead person profile student from to"
)
PERSONAL_NAMES = (
    *(f"{word} name" for word in _NAMES_OF.split()),
    *("e mail", "e mail address", "mail address", "phone", "phone number", "telephone", "tel", "mobile"),
    *("mobile number", "mobile phone", "cell", "cell phone", "fax", "whats app", "address", "address line", "street"),
    *("street address", "street name", "house number", "birthday", "birth day", "birth date", "date of birth", "dob"),
    *("birth year", "year of birth", "birth place", "place of birth", "ip", "ip address", "ip addr", "remote addr"),
    *("remote address", "x forwarded for", "ssn", "social security", "social security number", "national id", "tax id"),
    *("personal id", "passport", "passport number", "iban", "account number", "bank account", "bank account number"),
    *("credit card", "card number", "license plate", "driver license", "drivers license", "avatar", "avatar url"),
    *("photo url", "profile picture", "profile photo", "password", "author", "recipient", "cardholder", "card holder"),
    *("fname", "lname", "name first", "name last", "names", "login", "msisdn", "addr", "postcode", "post code", "zip"),
    *("zip code", "postal code", "contact person", "vorname", "nachname", "prenom"),
    *("card holder name", "created by", "updated by", "assigned to", "invited by"),
)
# Whose it is may stand before it: billing_email, user_first_name, to_address.
_WHOSE = (
    "user customer client person contact billing shipping delivery invoice home work office business private personal "
    "primary secondary alternate sender recipient owner author buyer guest patient employee member account emergency "
    "new old my your invitee inviter invited referrer friend from to reply current last first remote mobile postal"
)
_IP_NAMES = ("ip", "ip address", "ip addr", "remote addr", "remote address", "x forwarded for")
# `name` is a person's in an object of a person, and as a trait of an identify call; a product has a name as well.
_PERSONS = (
    "traits properties user customer person people contact profile set member patient buyer recipient sender lead "
    "employee owner author creator assignee guest cardholder shipping billing delivery attendee invitee manager "
    "passenger teammate device"
)
_OBJECTS_OF_PERSONS = (
    *_PERSONS.split(),
    *("user properties", "user traits", "set once", "person properties", "ship to", "bill to", "card holder"),
    *("team member", "account owner", "user info", "personal info", "user data", "billing details", "invited by"),
)
_DEVICE_IDS = ("id", "device id", "advertising id", "idfa", "idfv", "gaid", "aaid", "android id", "imei", "serial")
_WRITE_KEYS = ("write key", "api key", "x api key", "token", "access token", "auth token", "authorization")

_BETWEEN = "[-_. $]*"  # the words of a name
_STRING = r'"(?:[^"\\]|\\.)*"'
_SCALAR = r"-?[0-9][0-9.eE+-]*"  # true and false are no person's
_DEPTH = 12


def _balanced() -> str:
    """An object or an array. Regular expressions cannot count: what is nested deeper is not matched."""
    inside = rf'[^\[\]{{}}"]|{_STRING}'
    content = f"(?:{inside})*"
    for _ in range(_DEPTH):
        content = rf"(?:{inside}|[\[{{]{content}[\]}}])*"
    return rf"[\[{{]{content}[\]}}]"


_CONTAINER = _balanced()
# Inside the text of JSON in a text, one level deep: \"Jane \\\"J\\\" Doe\".
_STRING_WITHIN = r'\\"(?:[^"\\]|\\\\(?:\\["\\]|[^"\\]))*\\"'

_PHONE = r"\+[0-9][0-9 ().\/-]{5,}[0-9]"  # with its country; any other is a number like others

_DEVICE = r'(?i)"device"\s*:\s*\{[^{}]*'
_DEVICE_ID = (
    rf'(?i)("(?:{"|".join(name.replace(" ", "[-_ ]?") for name in _DEVICE_IDS)})"\s*:\s*)(?:{_STRING}|{_SCALAR})'
)

_MASKED_TEXT = rf'^\s*(?:\\*"{MASKED}\\*"|\[(?:"{MASKED}",?)*\])$'
_BASE64_OF_JSON = r"eyJ[A-Za-z0-9+/_.=-]{8,}"  # of {", as in JSON Web Tokens


def masked_ids(ids: str, salt: str) -> str:
    """An array of ids, without spaces around them: e-mail addresses masked; network addresses and telephone numbers
    become pseudonyms."""
    return _chain(
        f"arrayMap(id -> trimBoth(id), {ids})",
        masked_emails_sql("text", salt),
        f"if(match(text, {sql_text(f'^{_PHONE}$')}) OR isIPv4String(text) OR isIPv6String(text), "
        f"{pseudonym_sql('text', salt)}, text)",
    )


def masked_objects(properties: str, context: str, salt: str, registry: Registry, is_identify: str) -> str:
    """Two arrays of texts, of properties and of contexts without `ip` and `user_agent`, as one: both are cleaned of
    what the names of keys and the forms of values tell; before it properties of what the registry tells."""
    by_registry = _chain(properties, _by_registry("text", salt, registry, is_identify))
    device_id = rf'(?i)"(?:{_alternatives(_DEVICE_IDS)})"\s*:\s*{_STRING}'
    hidden = f"if({salt} = '', 'null', toJSONString({pseudonym_sql(_VALUE_OF_FOUND, salt)}))"
    devices = replace_each_sql("device", device_id, f"concat({_KEY_OF_FOUND}, ':', {hidden})", "found")
    pairs = "arrayFilter(pair -> pair.1 NOT IN ('ip', 'user_agent'), JSONExtractKeysAndValuesRaw(text))"
    rebuilt = _object(pairs, "pair", f"if(pair.1 = 'device', arrayMap(device -> {devices}, [pair.2])[1], pair.2)")
    return _chain(f"arrayConcat({by_registry}, {_chain(context, rebuilt)})", *_json_steps(registry, salt))


def masked_texts(texts: str, salt: str) -> str:
    """An array of texts in which only e-mail addresses are looked for."""
    return _chain(texts, masked_emails_sql("text", salt))


def anonymous_texts(texts: str) -> str:
    """An array of JSON texts that are masked already, without what could still lead to a person: ids, and what stands
    behind the path in a URL. The ids of things that everybody sees stay."""
    an_id = rf'"[^"\\]*(?:[^"\\a-zA-Z]id|[a-z]I[dD]|[uU][uU][iI][dD]|GUID|guid|[tT]oken)"\s*:\s*(?:{_STRING}|{_SCALAR})'
    of_things = r'(?i)^"\$?(?:product|variant|experiment|category|campaign|video|template|feature)[^a-z]?id"'
    kept = f"if(match(found, {sql_text(of_things)}), found, concat({_KEY_OF_FOUND}, ':null'))"
    searched = rf'"search"\s*:\s*{_STRING}'
    cut = r'(://[^"\s?#\\]*)[?#][^"\s\\]*'
    return _chain(
        texts,
        replace_each_sql("text", an_id, kept, "found"),
        f"replaceRegexpAll(text, {sql_text(cut)}, '\\\\1')",
        f"replaceRegexpAll(text, {sql_text(searched)}, '\"search\":null')",
    )


def masked_lines(lines: str, salt: str, registry: Registry) -> str:
    """An array of rejected lines: good JSON, broken JSON, rows of TSV. Of anything else, and of what is encoded, only
    its length and hash are told: nobody can see what is in it."""
    names = [*PERSONAL_NAMES, "name", *(name.replace("_", " ") for name in _private_names(registry))]
    key = rf"(?:\\*[\"']|(?:^|[\s{{,?&;])){_of_names(names)}{_BETWEEN}[0-9]*(?:\\*[\"'])?\s*[:=]\s*"
    cut_off = r"\\*[\"'\[{](?s:.*)"
    value = (
        rf"(?:{_STRING}|'(?:[^'\\]|\\.)*'|{_STRING_WITHIN}|{_CONTAINER}|{cut_off}|[^,;&}}\]\"'\s][^,;&}}\]\"'\r\n\t]*)"
    )
    key_of_found = r"(?s)^.*?[:=]\s*"
    bare = f"substring(found, 1 + length(extract(found, {sql_text(key_of_found)})))"
    empty = _empty_like(f"({bare} AS old)")
    hidden = (
        f"if(match({bare}, {sql_text(_MASKED_TEXT)}) OR {bare} IN ('true', 'false', 'null'), found, "
        f"concat(extract(found, {sql_text(key_of_found)}), {empty}))"
    )
    readable = r"^\s*\[?\s*\{|(?:\t[^\t]*){60}"
    opaque = r'"body_b64"|\\x[0-9a-f]{2}'
    escapes = r"(?:\\u[0-9a-fA-F]{4})+"
    # What is half a sign stays one: without it the line would be good JSON, and a retry would take it.
    unescaped = (
        "replaceRegexpAll(JSONExtractString(concat('\"', found, '\"')), " + sql_text(r'["\\\x00-\x1f]') + ", ' ')"
    )
    unescaped = f"ifNull(nullIf({unescaped}, ''), {sql_text(chr(92) + 'ud800')})"
    return _chain(
        lines,
        f"if(text = {sql_text(BROKEN_OFF)} OR isValidUTF8(text) AND match(text, {sql_text(readable)}) "
        f"AND NOT match(text, {sql_text(opaque)}), text, {withheld_line('text')})",
        _hashed_write_keys("text"),
        # Written anew, good JSON has no escapes that hide a letter; in broken JSON they are looked for.
        f"if(JSONLength(text) > 0, JSONExtractRaw(text), {replace_each_sql('text', escapes, unescaped, 'found')})",
        masked_emails_sql("text", salt),
        replace_each_sql("text", f"(?i){key}{value}", hidden, "found"),
        replace_each_sql("text", _DEVICE, f"replaceRegexpAll(found, {sql_text(_DEVICE_ID)}, '\\\\1null')", "found"),
        *_addresses("text", _STRING, salt),
        _phones("text", salt),
        _without_base64("text"),
    )


def withheld_line(line: str) -> str:
    """What stands in the place of a line that may not be kept."""
    digest = f"lower(hex(SHA256({line})))"
    return f'concat(\'{{"withheld":{{"bytes":\', toString(length({line})), \',"sha256":"\', {digest}, \'"}}}}\')'


def without_values(details: str) -> str:
    """An array of what was wrong with lines, without the values that were."""
    quoted = r"""'[^']*(?:'|$)|"[^"]*(?:"|$)"""
    return _chain(
        details,
        f"replaceRegexpOne(text, {sql_text('(?s), got .*$')}, '')",
        f"replaceRegexpAll(text, {sql_text(quoted)}, '…')",
    )


def without_write_keys(lines: str) -> str:
    """An array of lines, each write key in them as projects.yaml has it: sha256:…"""
    return _chain(lines, _hashed_write_keys("text"))


def _hashed_write_keys(text: str) -> str:
    key = rf"\\*[\"'](?:[$]?{_of_names(_WRITE_KEYS, whose=False)})\\*[\"']\s*:\s*"
    pattern = rf'(?i)(?:{key}\\*"[^"\\]*|[?&](?:{_of_names(_WRITE_KEYS, whose=False)})=[^&#"\\\s]*)'
    head = r'(?i)^(?:\\*["\'][^"\']*["\']\s*:\s*\\*"|[^=]*=)'
    secret = f"substring(found, 1 + length(extract(found, {sql_text(head)})))"
    basic = "splitByChar(':', tryBase64Decode(trimBoth(substring(secret, 7))))[1]"
    known = f"multiIf(secret ILIKE 'basic %', {basic}, secret ILIKE 'bearer %', trimBoth(substring(secret, 8)), secret)"
    hashed = (
        f"arrayMap(secret -> if(secret = '' OR startsWith(secret, 'sha256:'), secret, "
        f"concat('sha256:', lower(hex(SHA256({known}))))), [{secret}])[1]"
    )
    return replace_each_sql(text, pattern, f"concat(extract(found, {sql_text(head)}), {hashed})", "found")


def with_truncated_addresses(lines: str) -> str:
    """An array of lines: under the names of addresses, only their networks."""
    pattern = rf'(?i)"{_BETWEEN}{_of_names(_IP_NAMES)}{_BETWEEN}"\s*:\s*{_STRING}'
    networks = f"arrayMap(ip -> {network('ip')}, [{_VALUE_OF_FOUND}])"
    return _chain(
        lines, replace_each_sql("text", pattern, f"concat({_KEY_OF_FOUND}, ':', toJSONString({networks}[1]))", "found")
    )


def personal_names(registry: Registry) -> str:
    """A pattern of names in JSON under which something of somebody's stands; what the registry calls harmless is."""
    return rf"{_of_names(_personal_names(registry))}[0-9]*"


def persons() -> str:
    """A pattern of names of objects in which `name` is somebody's (a device is "Ada's iPhone")."""
    return rf"(?:{_alternatives(_OBJECTS_OF_PERSONS)})s?"


def _personal_names(registry: Registry) -> list[str]:
    harmless = {_squeezed(name) for name in _names(registry.paths, Pii.NONE)} - {
        _squeezed(name) for name in _private_names(registry)
    }
    return [name for name in PERSONAL_NAMES if _squeezed(name) not in harmless]


def _json_steps(registry: Registry, salt: str) -> list[str]:
    """What is done to any good JSON text, at any depth. A name that the registry calls harmless is."""
    names = _personal_names(registry)
    # With a backslash before its quotes: in JSON that is the text of a value.
    key = rf'\\?"{_of_names(names)}{_BETWEEN}[0-9]*\\?"'
    keyed = rf"(?i){key}\s*:\s*(?:{_STRING}|{_STRING_WITHIN}|{_SCALAR}|{_CONTAINER})"
    value = f"substring(found, 2 + length({_KEY_OF_FOUND}))"
    nameless = (
        f"if(match({value}, {sql_text(_MASKED_TEXT)}), found, concat({_KEY_OF_FOUND}, ':', {_empty_like(value)}))"
    )
    of_persons = rf'(?i)"{_BETWEEN}{persons()}{_BETWEEN}"\s*:\s*{_CONTAINER}'
    name = rf'(?i)("{_BETWEEN}name{_BETWEEN}")\s*:\s*(?:{_STRING}|{_SCALAR}|{_CONTAINER})'
    return [
        masked_emails_sql("text", salt),
        replace_each_sql("text", keyed, nameless, "found"),
        replace_each_sql("text", of_persons, f"replaceRegexpAll(found, {sql_text(name)}, '\\\\1:null')", "found"),
        *_addresses("text", _STRING, salt),
        _phones("text", salt),
        _without_base64("text"),
        # Whatever the patterns did not see coming: nothing rather than what is no JSON or may be personal.
        "if(isValidJSON(text), text, '{}')",
    ]


def _addresses(text: str, string: str, salt: str) -> list[str]:
    """Network addresses that are a whole value, a part of a text, or a parameter of a URL with a personal name."""
    whole = rf'(?i)(?:{string}\s*:|[\[,])\s*"\s*{ADDRESS}\s*"'
    # In an array an empty text: a column of texts takes no null there.
    emptied = (
        "multiIf(match(found, '(?i)^[^:]*(?:version|build|release|firmware)[^:]*:'), found, startsWith(found, '\"'), "
        f"concat({_KEY_OF_FOUND}, ':null'), concat(substring(found, 1, 1), '\"\"'))"
    )
    parameters = rf"(?i)[?&;]{_of_names([*PERSONAL_NAMES, 'name'])}=[^&#\"\\\s;]*"
    hidden = f"if(match(found, {sql_text(MASKED)}), found, concat(extract(found, '^[^=]*='), ''))"
    key = rf'(?i)"\s*{ADDRESS}\s*"\s*:'
    renamed = f"if({salt} = '', '\"\":', concat('\"', {pseudonym_sql('found', salt)}, '\":'))"
    return [
        replace_each_sql(text, key, renamed, "found"),
        replace_each_sql(text, whole, emptied, "found"),
        without_addresses(text),
        replace_each_sql(text, parameters, hidden, "found"),
    ]


def _phones(text: str, salt: str) -> str:
    """A whole value that is a telephone number becomes a pseudonym, as where it is an id."""
    value = "substring(found, 2, length(found) - 2)"
    hidden = f"concat(substring(found, 1, 1), {pseudonym_sql(value, salt)}, substring(found, 1, 1))"
    return replace_each_sql(text, f"[\"']{_PHONE}[\"']", f"if({salt} = '', '\"\"', {hidden})", "found")


def _without_base64(text: str) -> str:
    return f"replaceRegexpAll({text}, {sql_text(_BASE64_OF_JSON)}, '')"


# Of a match that begins with a key: the key in its quotes.
_KEY_OF_FOUND = 'extract(found, \'^\\\\\\\\?"[^"]*"\')'
_VALUE_OF_FOUND = "JSONExtractString(concat('{', found, '}'), JSONExtractKeys(concat('{', found, '}'))[1])"


def _empty_like(raw: str) -> str:
    return f"multiIf(startsWith({raw}, '['), '[]', startsWith({raw}, '{{'), '{{}}', 'null')"


def _by_registry(text: str, salt: str, registry: Registry, is_identify: str) -> str:
    """The object of properties without what the registry calls personal or sensitive, without `name` where it is a
    trait, and with the id that an alias names treated as ids are."""
    special = {"previous_id": f"toJSONString({masked_ids('[JSONExtractString(pair0.2)]', salt)}[1])"}
    for name, schema in registry.paths.items():
        if _is_private_inside(schema):
            special[name] = _without_personal(schema, "pair0.2", 1)
    branches = "".join(f"pair0.1 = {sql_text(name)}, {made}, " for name, made in special.items())
    trait = f"{is_identify} AND match(pair0.1, '(?i)^[^a-z]*name$'), {_hidden('pair0.2')}, "
    return _object(f"JSONExtractKeysAndValuesRaw({text})", "pair0", f"multiIf({branches}{trait}pair0.2)")


def _without_personal(schema: Schema, raw: str, depth: int) -> str:
    if schema.pii is not Pii.NONE:
        return _hidden(raw)
    if schema.items is not None:
        if schema.items.pii is not Pii.NONE:  # no null among elements
            return f"if(startsWith({raw}, '['), '[]', {raw})"
        item = f"item{depth}"
        items = f"arrayMap({item} -> {_without_personal(schema.items, item, depth + 1)}, JSONExtractArrayRaw({raw}))"
        return f"if(startsWith({raw}, '['), concat('[', arrayStringConcat({items}, ','), ']'), {raw})"
    pair = f"pair{depth}"
    branches = "".join(
        f"{pair}.1 = {sql_text(name)}, {_without_personal(inner, f'{pair}.2', depth + 1)}, "
        for name, inner in schema.properties.items()
        if _is_private_inside(inner)
    )
    made = _object(f"JSONExtractKeysAndValuesRaw({raw})", pair, f"multiIf({branches}{pair}.2)")
    return f"if(startsWith({raw}, '{{'), {made}, {raw})"


def _hidden(raw: str) -> str:
    """A declared value: an e-mail address stays, to be masked with all others; anything else goes."""
    is_email = rf'^"\s*(?:{EMAIL})\s*"$'
    return f"if(match({raw}, {sql_text(is_email)}), {raw}, {_empty_like(raw)})"


def _is_private_inside(schema: Schema) -> bool:
    inside = [*schema.properties.values(), *([schema.items] if schema.items else [])]
    return schema.pii is not Pii.NONE or any(map(_is_private_inside, inside))


def _private_names(registry: Registry) -> list[str]:
    return [*_names(registry.paths, Pii.PERSONAL), *_names(registry.paths, Pii.SENSITIVE)]


def _names(schemas: Mapping[str, Schema], pii: Pii) -> Iterator[str]:
    """Names of a class, at any depth."""
    for name, schema in schemas.items():
        if schema.pii is pii:
            yield name
        yield from _names(schema.properties, pii)
        if schema.items is not None:
            yield from _names(schema.items.properties, pii)


def _object(pairs: str, pair: str, value: str) -> str:
    made = f"arrayMap({pair} -> concat(toJSONString({pair}.1), ':', {value}), {pairs})"
    return f"concat('{{', arrayStringConcat({made}, ','), '}}')"


def _chain(texts: str, *steps: str) -> str:
    """Each step is an expression of `text`, and works on what the one before it made."""
    for step in steps:
        texts = f"arrayMap(text -> {step}, {texts})"
    return texts


def _of_names(names: Iterable[str], whose: bool = True) -> str:
    owners = rf"(?:(?:{'|'.join(_WHOSE.split())}){_BETWEEN})*" if whose else ""
    return f"{_BETWEEN}{owners}(?:{_alternatives(names)})s?"


def _alternatives(names: Iterable[str]) -> str:
    """Kept short: where lines are judged without being loaded, the query may not be long."""
    last_words: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        first, _, last = name.rpartition(" ")
        last_words.setdefault(last, []).append(_BETWEEN.join(first.split()))
    parts = []
    for last, firsts in last_words.items():
        before = "|".join(first for first in firsts if first)
        optional = "?" if "" in firsts else ""
        parts.append(f"(?:(?:{before}){_BETWEEN}){optional}{last}" if before else last)
    return "|".join(parts)


def _squeezed(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())
