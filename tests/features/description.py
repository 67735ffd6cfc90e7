"""L05: what api/openapi.yaml says of each route, held against what the routes answer; by that file alone."""
import functools, os, re, sys

try:
    import jsonschema, yaml
except ImportError:  # a python3 that is not Debian's finds what Debian's has
    sys.path.append("/usr/lib/python3/dist-packages")
    import jsonschema, yaml

from access import Guarded, two_calls
from craft import *
from feature import Failure, feature
from messages import DAY

HERE = os.path.dirname(os.path.abspath(__file__))
METHODS = ("get", "put", "post", "delete")
# Said in prose: which of several parameters go together, what a word of a list may be, which are secrets of the page.
NEED = {"diff": "with=1", "series": "step_ms=1000", "pcap": "rtp=headers"}
ENDLESS = ("/api/v1/live/events", "/api/v1/live/calls/{uid}/audio")  # their streams have tests of their own
# Values that a schema of plain text does not tell, by the name of the parameter.
GOOD = {"from": "2023-11-14T00:00:00Z", "to": "2023-11-15T23:00:00Z", "group_by": "trunk", "metrics": "asr", "ip": "10.0.0.1", "aor": "alice@10.0.0.1", "tag": "a:b",
        "header": "Via", "value": "10", "header_value__contains": "10", "bucket": "hour", "network": "10.0.0.0/8", "event": "call.ended", "number__prefix": "+49",
        "from_user": "+4930111", "source": "10.0.0.1", "destination": "10.0.0.2", "Last-Event-ID": "1", "with": "1"}
TOGETHER = {"value": "header=Via", "header_value__contains": "header=Via", "mos_min__lte": "scale=NB", "text_in": "text=word", "recording_ms__gte": "", "scale": "mos_min__lte=4"}


class Once(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """A name that is given twice is a mistake, which YAML itself would pass over."""


def mapping(loader, node):
    names = [loader.construct_object(key) for key, _ in node.value]
    twice = {str(n) for n in names if names.count(n) > 1}
    if twice:
        raise Failure(f"api/openapi.yaml, line {node.start_mark.line + 1} and behind: given twice: {', '.join(sorted(twice))}")
    return yaml.SafeLoader.construct_mapping(loader, node, deep=True)


Once.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)


@functools.cache
def load():
    with open(os.path.join(HERE, "../../api/openapi.yaml")) as f:
        return yaml.load(f, Once)


def closed(schema, part=False):
    """What a schema does not name, an answer does not have; where schemas are put together, what none of them names."""
    if isinstance(schema, list):
        return [closed(s, part) for s in schema]
    if not isinstance(schema, dict):
        return schema
    together = {"allOf", "anyOf", "oneOf"}
    out = {k: closed(v, k in together) for k, v in schema.items()}
    if together & set(out):
        out.setdefault("unevaluatedProperties", False)
    elif isinstance(out.get("properties"), dict) and not part:
        out.setdefault("unevaluatedProperties" if "additionalProperties" in out else "additionalProperties", out.get("additionalProperties", False))
    return out


def resolved(description, node):
    while isinstance(node, dict) and "$ref" in node:
        at = description
        for part in node["$ref"][2:].split("/"):
            at = at[part]
        node = at
    return node


class Description:
    def __init__(self):
        self.raw = load()
        composed = {name for s in self.raw["components"]["schemas"].values() for name in re.findall(r"#/components/schemas/(\w+)", str(s.get("allOf", "")))}
        self.components = {"schemas": {name: closed(s, name in composed) for name, s in self.raw["components"]["schemas"].items()}}

    def operations(self):
        for path, item in self.raw["paths"].items():
            for method in METHODS:
                if method in item:
                    yield method.upper(), path, item[method], [resolved(self.raw, p) for p in item.get("parameters", []) + item[method].get("parameters", [])]

    def schema_of(self, operation, status, kind):
        answer = resolved(self.raw, operation["responses"].get(str(status)))
        return answer and answer.get("content", {}).get(kind, {}).get("schema")

    def wrong(self, schema, value):
        """The first thing in which a value is not as its schema says."""
        whole = {**closed(schema), "components": self.components}
        for e in jsonschema.Draft202012Validator(whole).iter_errors(value):
            deeper = min(e.context, key=lambda c: -len(list(c.absolute_path)), default=e)
            return f"{'/'.join(map(str, deeper.absolute_path))}: {deeper.message[:160]}"
        return None


def value_of(description, parameter):
    """One that is good, as it stands in a query."""
    name, schema = parameter["name"], resolved(description.raw, parameter["schema"])
    if schema.get("type") == "array":
        schema = resolved(description.raw, schema["items"])
    if "enum" in schema:
        return str(schema["enum"][0])
    if name in GOOD:
        return GOOD[name]
    if schema.get("type") == "boolean":
        return "true"
    if schema.get("type") in ("integer", "number"):
        return str(schema.get("minimum", 1) or schema.get("default", 1))
    return "a"


def wrong_value(description, parameter):
    """One that no reading of the schema allows; None: any text will do."""
    schema = resolved(description.raw, parameter["schema"])
    if schema.get("type") == "array":
        schema = resolved(description.raw, schema["items"])
    if "enum" in schema or schema.get("type") in ("boolean", "integer", "number") or schema.get("format") in ("date-time", "uuid"):
        return "%3Cnone%20of%20these%3E"
    return None


class Asking(Guarded):
    """Asks a route and holds the answer against the description."""

    def prepare(self, t, description):
        self.t, self.d = t, description
        self.asked = self.bodies = 0
        rendered = lambda: [c for c in self.as_(None, f"/calls?{DAY}")["data"] if (c["recording"] or {}).get("state") == "ready"]
        call = self.wait(rendered)[0]
        self.as_(None, f"/calls/{call['uid']}/annotations", "POST", {"text": "word"})
        self.as_(None, f"/calls/{call['uid']}/transcript", "PUT", {"segments": [{"start_ms": 0, "end_ms": 900, "party": "caller", "text": "word"}]})
        export = self.ask("/exports", "POST", {"kind": "ndjson", "filter": {"from": GOOD["from"], "to": GOOD["to"]}})[2]
        self.wait(lambda: self.as_(None, f"/exports/{export['id']}")["state"] == "ready")
        self.token("viewer")
        self.user("ann", "viewer")
        self.as_(None, "/aliases", "POST", {"network": "10.0.9.9", "name": "box"})
        self.as_(None, "/trunks", "POST", {"name": "carrier", "peers": ["192.0.2.1"]})
        self.places = {"uid": call["uid"], "sid": "1", "n": "1", "aor": GOOD["aor"], "user": "ann", "trunk": "carrier", "alias": "10.0.9.9", "asset": "none.js", "name": "webhook"}
        self.ids = {"recordings": call["recording"]["id"], "exports": export["id"]}

    def filled(self, path):
        room = path.split("/")[3] if path.startswith("/api/v1/") else ""
        places = {**self.places, "id": self.ids.get(room, "00000000-0000-8000-8000-000000000000")}
        return re.sub(r"\{(\w+)\}", lambda m: places[m[1]], path)

    def held(self, method, path, operation, query="", body=None, **headers):
        """Status of an answer that is as the description says."""
        status, got, value = self.ask(self.filled(path) + ("?" + query if query else ""), method, body, root="", **headers)
        what = f"{method} {path}{'?' + query if query else ''}{'' if body is None else ' ' + str(body)[:60]}"
        self.asked += 1
        kind = got.get("content-type", "").split(";")[0]
        self.t.check(f"{what}: {status} is not described: {value!r:.200}", str(status) in operation["responses"])
        schema = self.d.schema_of(operation, status, kind)
        described = resolved(self.d.raw, operation["responses"][str(status)]).get("content", {})
        self.t.check(f"{what}: {status} comes as {kind}, described are {list(described)}", not value or kind in described)
        if schema and re.search("/json|[+]json", kind):
            wrong = self.d.wrong(schema, value)
            self.t.check(f"{what}: {status}: {wrong}", wrong is None)
            self.bodies += 1
        return status


@feature("L05", "each route of the description with good and bad parameters and bodies: statuses, kinds and JSON are as described, nothing more and nothing less")
def described(t):
    d = Description()
    with Asking(t, two_calls(), 2) as s:
        s.prepare(t, d)
        taken(t, s, d)
        t.check("as JSON it says the same", s.as_(None, "/openapi.json") == d.raw)
        for method, path, operation, parameters in d.operations():
            if method == "GET" and path not in ENDLESS:
                gets(t, s, method, path, operation, [p for p in parameters if p["in"] == "query"])
            elif method in ("PUT", "POST"):
                bodies(t, s, method, path, operation)
            if path not in ENDLESS:
                t.equal(f"{method} {path} with a parameter of no name", s.held(method, path, {**operation, "responses": {**operation["responses"], "400": {"$ref": "#/components/responses/Problem"}}},
                        query="no_such_parameter=1", body={} if method in ("PUT", "POST") else None) in (400, 404, 415), True) if path.startswith("/api/v1/") else None
        t.check(f"{s.asked} answers, {s.bodies} of JSON", s.asked > 400 and s.bodies > 300)
        t.counter("a member that nobody described passes", d.wrong({"$ref": "#/components/schemas/Alias"}, {**s.as_(None, "/aliases/10.0.9.9"), "more": 1}) is not None)


def taken(t, s, d):
    """Bodies as they should be: taken, and answered as described."""
    answers = {(m, p): o for m, p, o, _ in d.operations()}
    for (method, path), body in {
            ("PUT", "/api/v1/calls/{uid}/tags"): {"customer": "4711"},
            ("POST", "/api/v1/calls/tags"): {"add": {"seen": "yes"}, "dry_run": True},
            ("POST", "/api/v1/calls/{uid}/annotations"): {"text": "hm", "at_ms": 100},
            ("PUT", "/api/v1/calls/{uid}/annotations/{n}"): {"text": "well"},
            ("PUT", "/api/v1/calls/{uid}/transcript"): {"segments": [{"start_ms": 0, "end_ms": 900, "party": "callee", "text": "word"}], "language": "en"},
            ("POST", "/api/v1/exports"): {"kind": "full", "filter": {"from": GOOD["from"], "to": GOOD["to"]}},
            ("POST", "/api/v1/trunks"): {"name": "second", "domains": ["sip.example"], "capacity_calls": 5},
            ("PUT", "/api/v1/trunks/{trunk}"): {"peers": ["192.0.2.7:5060"], "prefixes": ["+43"]},
            ("POST", "/api/v1/aliases"): {"network": "10.7.0.0/16", "name": "house"},
            ("PUT", "/api/v1/aliases/{alias}"): {"name": "box 2"},
            ("POST", "/api/v1/users"): {"name": "bob", "password": "a word of its own", "role": "viewer"},
            ("PUT", "/api/v1/users/{user}"): {"role": "analyst"},
            ("POST", "/api/v1/tokens"): {"name": "x", "role": "viewer", "limit": {"sites": ["a"]}, "expires_in_s": 60},
            ("POST", "/api/v1/sessions"): {"name": "bob", "password": "a word of its own"},
            ("POST", "/api/v1/links"): {"path": s.filled("/api/v1/recordings/{id}/audio")},
            ("POST", "/api/v1/policies/recording/test"): {"uid": s.places["uid"]},
            ("POST", "/api/v1/policies/retention/test"): {"min_free_bytes": 1 << 30, "classes": {c: {"max_age_s": 86400, "max_bytes": None} for c in ("audio", "spool", "calls", "messages")}},
            ("POST", "/api/v1/policies/retention/run"): {}}.items():
        status = s.held(method, path, answers[method, path], DAY if path.endswith("/calls/tags") else "", body)
        t.check(f"{method} {path} {body}: {status}", 200 <= status < 300)


@feature("L05", "the description itself: valid schemas, every reference, unique names, path parameters, tags, what each answer is")
def sound(t):
    d = Description()
    for name, schema in d.raw["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        t.check(f"schema {name} is spoken of nowhere", len(re.findall(rf"\b{name}\b", str(d.raw))) > 1)
    for ref in set(re.findall(r"'\$ref': '#/([^']*)'", str(d.raw))):
        resolved(d.raw, {"$ref": "#/" + ref})
    operations = list(d.operations())
    t.equal("words of a description that YAML took for names", [k for k, v in names_of_nothing(d.raw)], [])
    ids = [o.get("operationId") for _, _, o, _ in operations if "operationId" in o]
    t.equal("names of operations that are given twice", sorted({i for i in ids if ids.count(i) > 1}), [])
    tags = {x["name"] for x in d.raw["tags"]}
    for method, path, o, parameters in operations:
        named, there = set(re.findall(r"\{(\w+)\}", path)), {p["name"] for p in parameters if p["in"] == "path"}
        t.equal(f"{method} {path}: parameters of the path", there, named)
        t.check(f"{method} {path}: summary, tags, a good answer", o.get("summary") and set(o.get("tags", [])) <= tags and any(str(c)[0] in "23" for c in o["responses"]))
        for code, answer in o["responses"].items():
            t.check(f"{method} {path}: {code} says what it is", resolved(d.raw, answer).get("description"))
    t.counter("a schema that is none passes", not is_schema({"type": "nonsense"}))


def names_of_nothing(node):
    """What a comma in a text without quotes leaves behind: a name without a value."""
    if isinstance(node, (dict, list)):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            if value is None and isinstance(key, str) and key != "default":
                yield key, value
            yield from names_of_nothing(value)


def is_schema(schema):
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError:
        return False
    return True


def gets(t, s, method, path, operation, parameters):
    need = NEED.get(path.rsplit("/", 1)[-1], "")
    spans = {"from", "to"} <= {p["name"] for p in parameters}
    base = "&".join(x for x in (DAY if spans else "", need) if x)
    status = s.held(method, path, operation, base)
    t.check(f"GET {path}: {status}", status in (200, 206, 304) or "{id}" in path or "{asset}" in path or "{aor}" in path or path.endswith(("/live/calls/{uid}",)))
    for p in parameters:
        if need.startswith(p["name"] + "=") or p["name"] in ("cursor", "sig"):
            good = None
        else:
            good = "&".join(x for x in (base if p["name"] not in ("from", "to") or not spans else "", DAY.split("&")[p["name"] == "from"] if spans and p["name"] in ("from", "to") else "", TOGETHER.get(p["name"], ""), f"{p['name']}={value_of(s.d, p)}".replace("+", "%2B")) if x)
        if good and s.held(method, path, operation, good) == 400:
            t.check(f"GET {path}?{good} is refused", False)
        bad = wrong_value(s.d, p)
        if bad:
            keep = "&".join(x for x in base.split("&") if x and not x.startswith(p["name"] + "="))
            code = s.held(method, path, operation, f"{keep}&{p['name']}={bad}".strip("&"))
            t.check(f"GET {path}: {p['name']}={bad} gives {code}", code in (400, 404))


def bodies(t, s, method, path, operation):
    """Of wrong form: refused by a status that is described, and nothing changes."""
    for body in ("", "{", "[]", "nonsense", '{"no_such_member": 1}', "[" * 200 + "]" * 200, '{"name": {"a": [1e999]}}', '"\\ud800"'):
        code = s.held(method, path, operation, body=body)
        t.check(f"{method} {path} takes {body[:30]!r}: {code}", code >= 400 or path in EMPTY)
    if "application/json" in operation.get("requestBody", {}).get("content", {}):
        t.check(f"{method} {path} takes a form", s.held(method, path, operation, body="a=b", Content_Type="application/x-www-form-urlencoded") in (400, 404, 409, 415))


# Whose body is not needed, or may say nothing.
EMPTY = ("/api/v1/calls/{uid}/pause", "/api/v1/calls/{uid}/resume", "/api/v1/calls/{uid}/recording", "/api/v1/policies/retention/run", "/api/v1/policies/recording/test",
         "/api/v1/policies/retention/test", "/api/v1/calls/{uid}/transcript")
