"""What schemathesis does to this API beyond its own checks, and what it may not call a fault.

Four of its findings are none, and each is dropped here for a reason that is written beside it.
Everything else that it finds fails the test.
"""

import os
import random
import re

import schemathesis

# An ended run and its scenario that the controller was given before: random ids lead nowhere.
RUN = os.environ["KNOWN_RUN"]
SCENARIO = os.environ["KNOWN_SCENARIO"]

# 1. "Schema-valid request rejected". A scenario may have faults that no JSON Schema can say. Each of
#    its faults must be one of these, by path and by what is told; any other is a finding.
UNSAYABLE = [
    # Fields that are held against each other.
    (r"loadProfile(\..*)?", r"runs to second .* past the run's end"),
    (r"loadProfile\.steps", r"the steps last .* make them equal"),
    (r"durationSeconds", r"the steps last .* out of range"),
    # With STEPS alone the duration may be left out.
    (r"durationSeconds", r"is missing"),
    (r"loadProfile", r"the rate is 0 throughout"),
    (r"loadProfile\.amplitudeRps", r"the wave's peak is"),
    (r"loadProfile\.points\[\d+\]\.second", r"put the points in order"),
    (r"bodyBase64", r"stands beside body"),
    (r"(host|cookies|compressed|form)", r"stands beside"),
    (r"cookies", r"bytes together"),
    (r"addressFamily", r"is no IPv\d address|a Unix socket has no address"),
    # What a proxy, a rule, a certificate and a key are is longer than a pattern; a socket is for others.
    (r"(proxy|connectTo(\[\d+\])?|caCertificate|clientCertificate(\..*)?|unixSocket)", r".*"),
    (r"streams", r"requests side by side on a connection, but"),
    # A field of a form has one content, whose type RFC 9110 says, and is a file or none.
    (r"form(\[\d+\].*)?", r".*"),
    (r"checks\[\d+\]\.bodyBytes", r"no body has at least"),
    (r"sla(\[\d+\].*)?", r".*"),  # The grammar of rules, which reference the load and its requests.
    # A URL, and of Slack the URL is the secret; a key is so many bytes in base64. An endpoint's name is its own.
    (r"alerts\[\d+\]\.(url|secret)", r".*"),
    (r"observe\[\d+\](\.(url|name))?", r".*"),
    # The objective of a search is a rule, and what is tried has to have arrivals.
    (r"slo", r".*"),
    (r"maxRate", r"a trial of .* needs"),
    (r"scenarioId", r"give either scenarioId or scenario"),
    # What a URL is says RFC 3986, which is longer than a pattern, and what may be loaded the policy.
    (r"(targetUrl|host)", r".*"),
    # Names that are set by the generator, and two spellings of one name.
    (r"headers\..*", r"(is set by the load generator|is not a header name).*"),
    # Blanks alone are no name, and Unicode has more control characters than patterns have names.
    (r"(name|tags\[\d+\])", r"(is empty|.*has a control character).*"),
    # A mix says methods and bodies itself, its names differ, and its URLs are such as targetUrl is.
    (r"(method|body|bodyBase64)", r"stands beside mix"),
    (r"name", r"is the name of another request"),
    # A hundred faults are listed, and each of those is judged here.
    (r"", r"and \d+ more faults, which are not listed"),
    (r"url", r".*"),
    # What a domain is, and below which many have theirs, is longer than a pattern.
    (r"domain", r".*"),
    # Of tokens: Unicode has more control characters than patterns have names.
    (r"name", r"has \d+ characters; give"),
]

# What the schema says of If-Match.
IF_MATCH = r'\*|(W/)?"[!#-~]*"(, ?(W/)?"[!#-~]*")*'


def is_unsayable(fault):
    # A request of a mix has fields of the scenario's.
    own = re.sub(r"^mix\[\d+\]\.", "", fault["path"])
    return any(
        re.fullmatch(path, own) and re.search(told, fault["message"])
        for path, told in UNSAYABLE
    )


@schemathesis.check
def what_the_schema_allows_is_accepted(ctx, response, case):
    """In the place of positive_data_acceptance."""
    generation = case.meta.generation if case.meta else None
    if generation is None or not generation.mode.is_positive:
        return
    if response.status_code not in (400, 406, 415, 422):
        return
    # 3. The tool gives this header values that its pattern does not allow, and calls them valid.
    if_match = (case.headers or {}).get("If-Match")
    if if_match is not None and not re.fullmatch(IF_MATCH, if_match):
        return
    problem = response.json()
    # What a scenario within a search is says another schema.
    if case.path.endswith("/capacity-searches") and problem["type"].endswith(":invalid-scenario"):
        return
    if response.status_code == 422 and problem.get("faults"):
        strange = [fault for fault in problem["faults"] if not is_unsayable(fault)]
        assert not strange, f"what the schema allows is refused: {strange}"
        return
    # 2. A stream is a WebSocket, which OpenAPI 3.1 cannot describe: a plain GET is told so.
    if case.path.endswith("/stream") and "WebSocket" in problem["detail"]:
        return
    # The key of one call is refused to another: that is what it is for.
    if problem["type"].endswith(":key-reused"):
        return
    raise AssertionError(f"what the schema allows is refused: {problem}")


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    """Half of the calls that only read ask for what is there."""
    if not path_parameters or "id" not in path_parameters:
        return path_parameters
    operation = context.operation
    if operation.method.upper() == "GET" and len(str(path_parameters["id"])) % 2 == 0:
        if "/runs/" in operation.path:
            return {**path_parameters, "id": RUN}
        if "/scenarios/" in operation.path:
            return {**path_parameters, "id": SCENARIO}
    return path_parameters


@schemathesis.hook
def before_call(context, case, kwargs):
    """Most targets that it invents are no URLs: others get one, so that the rest is looked at."""
    body = case.body
    if isinstance(body, dict) and isinstance(body.get("targetUrl"), str):
        if len(body["targetUrl"]) % 4 != 0 and case.meta and case.meta.generation.mode.is_positive:
            case.body = {**body, "targetUrl": "http://127.0.0.1:9/path?query"}
