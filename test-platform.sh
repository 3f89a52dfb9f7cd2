#!/usr/bin/env bash
# Tests a running platform from outside, with curl alone.
#
#   ./test-platform.sh                           the platform at http://localhost:8080
#   ./test-platform.sh http://load.example       another one
#   ./test-platform.sh --target URL [URL]        loads this, which the workers have to reach
#   ./test-platform.sh --token T [URL]           with a bearer token (or LOADCORE_TOKEN)
#
# Without --target it brings one: Compose's `target`, where the platform is that of this folder's
# docker-compose.yml; the command `loadcore target`, where there is one and the platform is on this
# machine; else it has to be given, for a platform does not load itself.
#
# The load is light (800 requests/s at most) and takes some 40 seconds. What it makes it deletes.
# Exit codes: 0 all passed, 1 something failed, 2 wrong usage.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd) || exit 1

usage() { sed -n '2,/^set /{/^#/s/^# \{0,1\}//p;}' "$0"; }
wrong() { echo "test-platform.sh: $1 (see --help)" >&2; exit 2; }

url= target= token=${LOADCORE_TOKEN:-}
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) usage; exit 0 ;;
        --target | --token) [ -n "${2:-}" ] || wrong "$1 needs a value"; declare "${1#--}=$2"; shift ;;
        -*) wrong "unknown option $1" ;;
        *) [ -z "$url" ] || wrong "one URL, not $url and $1"; url=$1 ;;
    esac
    shift
done
url=${url:-http://localhost:8080} url=${url%/}
case $url in http://?* | https://?*) ;; *) wrong "$url is no URL of a platform: http://localhost:8080" ;; esac
case ${target:-http://x} in http://?* | https://?*) ;; *) wrong "--target $target is no URL" ;; esac
command -v curl >/dev/null || wrong "curl is not installed"

scratch=$(mktemp -d) || exit 1
passed=0 failed=0 made=() target_pid= target_compose=
cleanup() {
    local scenario
    for scenario in ${made[@]+"${made[@]}"}; do asks DELETE "/api/v1/scenarios/$scenario"; done
    if [ -n "$target_pid" ]; then kill "$target_pid" 2>/dev/null; wait "$target_pid" 2>/dev/null; fi
    [ -z "$target_compose" ] || compose rm -sf target >/dev/null 2>&1
    rm -rf "$scratch"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# ---------------------------------------------------------------- asking and judging

# ask METHOD PATH [BODY]: the body of the answer; its status is in $scratch/status. Fails unless 2xx.
ask() {
    local more=()
    [ -z "$token" ] || more+=(-H "Authorization: Bearer $token")
    [ $# -lt 3 ] || more+=(-H 'Content-Type: application/json' -d "$3")
    curl -sS -m 30 -X "$1" ${more[@]+"${more[@]}"} -o "$scratch/body" -w '%{http_code}' "$url$2" \
        >"$scratch/status" 2>"$scratch/error" || { cat "$scratch/error"; return 1; }
    cat "$scratch/body"
    case $(cat "$scratch/status") in 2??) ;; *) return 1 ;; esac
}
asks() { ask "$@" >/dev/null; }

# The first value of this name in the JSON on standard input: a text or a number.
field() { grep -oE "\"$1\":(\"[^\"]*\"|[-0-9.e+]+|null|true|false)" | head -n 1 | sed 's/^[^:]*://; s/"//g'; }
# The first object of this name, without what is nested in it.
object() { grep -o "\"$1\":{[^{}]*" | head -n 1; }

step() { printf '\n%s\n' "$1"; }
pass() { passed=$((passed + 1)); printf '  ok      %s\n' "$1"; }
fail() { failed=$((failed + 1)); printf '  FAILED  %s\n' "$1"; }
note() { printf '          %s\n' "$1"; }
# judge WHAT COMMAND...: passes if the command succeeds.
judge() { local what=$1; shift; if "$@"; then pass "$what"; else fail "$what"; fi; }
at_least() { [ -n "$1" ] && awk "BEGIN { exit !($1 >= $2) }" 2>/dev/null; }
has() { case $1 in *"$2"*) ;; *) return 1 ;; esac }
lacks() { ! has "$@"; }

# until_true SECONDS COMMAND...: tries it twice a second.
until_true() {
    local end=$((SECONDS + $1)); shift
    while ! "$@"; do [ $SECONDS -lt $end ] || return 1; sleep 0.5; done
}

# ---------------------------------------------------------------- scenarios

# start BODY: sets scenario and run, or fails with what the platform said.
start() {
    local answer
    answer=$(ask POST /api/v1/scenarios "$1") || { fail "POST /api/v1/scenarios: $answer"; return 1; }
    scenario=$(field id <<<"$answer") run=$(field runId <<<"$answer")
    made+=("$scenario")
}
state_is() { local state; state=$(ask GET "/api/v1/runs/$run" | field state); has " $1 " " $state "; }
ended() { state_is "COMPLETED ABORTED FAILED"; }

# finish DUE: waits for the end of the run and judges its books: so many were due, and each is
# accounted for.
finish() {
    if ! until_true 60 ended; then fail "the run ended within 60 s"; return; fi
    local answer arrivals outcomes due sent ok failures
    answer=$(ask GET "/api/v1/runs/$run")
    arrivals=$(object arrivals <<<"$answer") outcomes=$(object outcomes <<<"$answer")
    warnings=$(grep -o '"warnings":\[[^]]*\]' <<<"$answer" | head -n 1)
    [ "$warnings" = '"warnings":[]' ] || note "${warnings#*:}"
    judge "it is COMPLETED" has "$(field state <<<"$answer")" COMPLETED
    due=$(field due <<<"$arrivals") sent=$(field sent <<<"$arrivals")
    ok=$(field ok <<<"$outcomes") failures=$(field failed <<<"$outcomes")
    judge "due: ${due:-none}, as the profile says ($1)" [ "${due:-none}" = "$1" ]
    local dropped unknown unfinished
    dropped=$(field dropped <<<"$arrivals") unknown=$(field unknown <<<"$arrivals")
    unfinished=$(field unfinished <<<"$outcomes")
    judge "due = sent ${sent:-none} + dropped ${dropped:-none} + unknown ${unknown:-none}" \
        [ "${due:-none}" = "$((${sent:-0} + ${dropped:-0} + ${unknown:-0}))" ]
    judge "sent = ok ${ok:-none} + failed ${failures:-none} + unfinished ${unfinished:-none}" \
        [ "${sent:-none}" = "$((${ok:-0} + ${failures:-0} + ${unfinished:-0}))" ]
    judge "the result is complete" has "$answer" '"complete":true'
    judge "some of the requests were ok" at_least "${ok:-0}" 1
    counted=$((counted + ${ok:-0} + ${failures:-0}))
    local latency
    latency=$(object latency <<<"$answer")
    local errors
    errors=$(object errors <<<"$answer")
    [ "${failures:-0}" = 0 ] || note "failed, by class: ${errors#*{}"
    note "mean $(field meanMs <<<"$latency") ms, p99 $(field p99Ms <<<"$latency") ms"
}

# The examples of the API's page in their own words, with a tenth of their rates, and shortened.
constant() {
    echo '{"name": "API Health Check", "targetUrl": "'"$target"'", "method": "GET",
        "durationSeconds": 6, "numWorkers": 3, "workerWaitSeconds": 2,
        "loadProfile": {"type": "CONSTANT", "initialRps": 100}}'
}
ramp() {
    echo '{"name": "Black Friday Simulation", "targetUrl": "'"$target"'", "method": "POST",
        "body": "{\"items\": [1, 2, 3]}",
        "headers": {"Content-Type": "application/json", "Authorization": "Bearer token123"},
        "durationSeconds": 8, "numWorkers": 10, "workerWaitSeconds": 2,
        "loadProfile": {"type": "RAMP", "initialRps": 10, "targetRps": 500, "rampUpSeconds": 5}}'
}
burst() {
    echo '{"name": "Marketing Campaign Launch", "targetUrl": "'"$target"'", "method": "POST",
        "durationSeconds": 8, "numWorkers": 5, "workerWaitSeconds": 2,
        "loadProfile": {"type": "BURST", "initialRps": 50, "bursts": [
            {"startSecond": 2, "durationSeconds": 1, "rps": 500},
            {"startSecond": 5, "durationSeconds": 1, "rps": 800}]}}'
}

# ---------------------------------------------------------------- a target

compose() {
    if docker compose version >/dev/null 2>&1; then
        (cd "$here" && docker compose --profile target "$@")
    else
        (cd "$here" && docker-compose --profile target "$@")
    fi
}

compose_is_here() {
    { command -v docker-compose || command -v docker; } >/dev/null 2>&1 && [ -f "$here/docker-compose.yml" ] &&
        [ -n "$(compose ps -q controller 2>/dev/null)" ]
}

is_on_this_machine() { case $url in *://localhost | *://localhost:* | *://127.* | *'://[::1]'*) ;; *) return 1 ;; esac }

find_loadcore() {
    local found
    for found in "$(command -v loadcore)" "$here/target/release/loadcore" "$here/target/debug/loadcore"; do
        if [ -x "$found" ]; then echo "$found"; return; fi
    done
    return 1
}

find_target() {
    local program
    if [ -n "$target" ]; then note "given: $target"
    elif is_on_this_machine && compose_is_here; then
        target=http://target:8081/
        if [ -n "$(compose ps -q target 2>/dev/null)" ]; then
            note "Compose's: $target"
        else
            target_compose=yes
            compose up -d --no-deps target >"$scratch/compose" 2>&1 || { cat "$scratch/compose"; return 1; }
            note "Compose's, started for this test: $target"
        fi
    elif is_on_this_machine && program=$(find_loadcore); then
        "$program" target --listen 127.0.0.1:0 >"$scratch/target" 2>&1 &
        target_pid=$!
        until_true 10 grep -q 'http://[^ ]*[0-9]' "$scratch/target" || { cat "$scratch/target"; return 1; }
        target=$(grep -o 'http://127[^ ]*[0-9]' "$scratch/target" | head -n 1)/
        note "$program target: $target"
    else
        echo "there is nothing to load: no Compose and no program loadcore here; give --target URL" >&2
        return 1
    fi
}

# ---------------------------------------------------------------- the steps

counted=0
requests_total() { ask GET /actuator/prometheus | sed -n 's/^loadtest_requests_total \([0-9]*\).*/\1/p'; }

step "1. Health of $url"
if until_true 30 asks GET /actuator/health; then pass "GET /actuator/health is 200"; else
    fail "GET /actuator/health is 200 within 30 s, but: $(ask GET /actuator/health)"
    case $(cat "$scratch/status") in
        000) note "nothing answers there: is the platform running? docker-compose ps, docker-compose logs controller" ;;
        503) note "it waits for what it names; it goes on by itself as soon as that is there" ;;
        401 | 403) note "it asks for a token: --token T" ;;
    esac
    printf '\n%s passed, %s failed\n' $passed $failed
    exit 1
fi
answer=$(ask GET /actuator/info)
judge "$(field name <<<"$answer") $(field version <<<"$answer")" has "$answer" '"protocol"'
judge "it describes its API" has "$(ask GET /openapi.json | head -c 100)" openapi
before=$(requests_total)

step "2. A target"
if find_target; then pass "there is one"; else fail "the target does not start"; exit 1; fi

step "3. CONSTANT: API Health Check"
if start "$(constant)"; then
    judge "it is RUNNING soon" until_true 15 state_is RUNNING
    sleep 3
    answer=$(ask GET "/api/v1/scenarios/$scenario/stats/realtime?lastNSeconds=30")
    for key in scenarioId totalRequests successRate avgLatencyMs p95LatencyMs p99LatencyMs currentRps statusCodeDistribution; do
        has "$answer" "\"$key\":" || fail "realtime statistics have $key"
    done
    judge "realtime statistics: $(field totalRequests <<<"$answer") requests, $(field currentRps <<<"$answer")/s" \
        at_least "$(field totalRequests <<<"$answer")" 1
    finish 600
fi

step "4. RAMP: Black Friday Simulation"
start "$(ramp)" && finish 2775

step "5. BURST: Marketing Campaign Launch, and its stream"
if start "$(burst)"; then
    # A WebSocket's frames come in the clear after the switch; each has a JSON text.
    curl -sS -N --http1.1 -m 40 ${token:+-H "Authorization: Bearer $token"} -H 'Connection: Upgrade' \
        -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: bG9hZHRlc3QtcGxhdGZvcm0=' \
        "$url/api/v1/runs/$run/stream?since=0" >"$scratch/stream" 2>/dev/null &
    stream=$!
    finish 1600
    until_true 5 grep -aq '"type":"end"' "$scratch/stream"
    kill $stream 2>/dev/null; wait $stream 2>/dev/null
    frames=$(grep -ao '"type":"interval"' "$scratch/stream" | wc -l)
    judge "the stream told $frames seconds of it" at_least "$frames" 8
    judge "and its end" grep -aq '"type":"end","data":{"state":"COMPLETED"' "$scratch/stream"
fi

step "6. Stop"
if start '{"name": "Stop", "targetUrl": "'"$target"'", "durationSeconds": 600, "workerWaitSeconds": 2,
    "loadProfile": {"type": "CONSTANT", "initialRps": 50}}'; then
    until_true 15 state_is RUNNING
    sleep 1
    judge "POST /runs/{id}/stop is taken" asks POST "/api/v1/runs/$run/stop"
    judge "the run has ended within 15 s" until_true 15 ended
    answer=$(ask GET "/api/v1/runs/$run")
    judge "it is ABORTED, and complete" [ "$(field state <<<"$answer") $(field complete <<<"$answer")" = "ABORTED true" ]
    judge "nothing of it is unknown" has "$(object arrivals <<<"$answer")" '"unknown":0'
    outcomes=$(object outcomes <<<"$answer")
    counted=$((counted + $(field ok <<<"$outcomes") + $(field failed <<<"$outcomes")))
fi

step "7. Workers"
answer=$(ask GET /api/v1/workers)
alive=$(grep -o '"alive":true' <<<"$answer" | wc -l)
judge "$alive alive" at_least "$alive" 1
judge "all of them fit this controller" lacks "$answer" '"compatible":false'

step "8. Metrics"
after=$(requests_total)
judge "loadtest_requests_total has grown by what was counted: ${before:-none} + $counted <= ${after:-none}" \
    at_least "${after:-0}" "$((${before:-0} + counted))"
metrics=$(ask GET /actuator/prometheus)
for name in loadtest_latency_seconds_bucket loadtest_errors_total loadtest_active_workers; do
    judge "$name is there" has "$metrics" "$name"
done

step "9. What was made is deleted"
for scenario in ${made[@]+"${made[@]}"}; do
    judge "DELETE /api/v1/scenarios/$scenario" asks DELETE "/api/v1/scenarios/$scenario"
done
made=()

printf '\n%s: %s passed, %s failed\n' "$url" $passed $failed
[ $failed -eq 0 ]
