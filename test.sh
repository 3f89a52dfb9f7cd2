#!/usr/bin/env bash
# Runs all tests of the project, on a fresh Debian machine with cargo too.
#
#   ./test.sh            every step
#   ./test.sh --long     the long suites as well (ignored tests, more seeds, cargo's own package check)
#   ./test.sh --list     the steps' names
#   ./test.sh WORD...    only the steps whose name contains one of the words
#
# All steps build the whole workspace with all features in one target folder, so that each
# dependency is compiled once.
set -uo pipefail
cd "$(dirname "$0")" || exit 1
exec </dev/null

long=false list=false words=()
for argument in "$@"; do
    case $argument in
        --long) long=true ;;
        --list) list=true ;;
        -h | --help) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
        -*) echo "test.sh: unknown option $argument (see --help)" >&2; exit 2 ;;
        *) words+=("$argument") ;;
    esac
done

export CARGO_TERM_PROGRESS_WHEN=never
[ -t 1 ] || export CARGO_TERM_COLOR=never
[ -n "${CI:-}" ] && export CARGO_INCREMENTAL=0
if $long; then export LOADCORE_LONG=1; else unset LOADCORE_LONG; fi
target=${CARGO_TARGET_DIR:-$PWD/target}
case $target in /*) ;; *) target=$PWD/$target ;; esac
PATH=$target/schemathesis/bin:$target/check-jsonschema/bin:$PATH:$target/secantusdb/bin
everything=(--workspace --all-features --locked)
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT

# ---------------------------------------------------------------- steps

# What the build needs beyond cargo: a linker and a C compiler (for aws-lc, the crypto in rustls).
# It needs neither cmake nor a system library.
step_tools() {
    local missing=()
    command -v cc >/dev/null || missing+=(gcc libc6-dev)
    [ -e /etc/ssl/certs/ca-certificates.crt ] || missing+=(ca-certificates)
    # The tests start servers of their own, on free ports.
    command -v redis-server >/dev/null || missing+=(redis-server)
    command -v curl >/dev/null || missing+=(curl)
    python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3 python3-venv)
    if [ ${#missing[@]} -gt 0 ]; then
        echo "installing: ${missing[*]}"
        local root=()
        if [ "$(id -u)" != 0 ]; then root=(sudo -n); fi
        "${root[@]}" apt-get update -qq || return
        "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
            --no-install-recommends "${missing[@]}" >/dev/null || return
    fi
    tool_mongo || return
    if ! command -v cargo >/dev/null; then
        echo "cargo is not on the PATH: install Rust $(sed -n 's/^rust-version = //p' Cargo.toml) or later" >&2
        return 1
    fi
    local component
    for component in fmt clippy; do
        cargo "$component" --version >/dev/null 2>&1 && continue
        rustup component add "${component/fmt/rustfmt}" || return
    done
    rustc --version && cargo --version && cc --version | head -n 1
    cargo fetch --locked --quiet
}

# A server that speaks MongoDB's protocol: the one that LOADCORE_TEST_MONGO_URL names, a mongod on the
# PATH, or else SecantusDB from PyPI, in a folder of its own beside what cargo builds.
mongo_is_there() {
    [ -n "${LOADCORE_TEST_MONGO_URL:-}" ] || command -v mongod >/dev/null ||
        command -v secantusd-py >/dev/null
}

tool_mongo() {
    mongo_is_there && return
    echo "installing: secantusdb (PyPI) in $target/secantusdb"
    python3 -m venv "$target/secantusdb" || return
    "$target/secantusdb/bin/pip" install --quiet --disable-pip-version-check secantusdb || return
    mongo_is_there
}

# The tool that calls the API with all that its description allows, in a folder of its own; what is on
# the PATH is taken as well.
tool_schemathesis() {
    schemathesis --version 2>/dev/null | grep -q ' 4\.' && return
    echo "installing: schemathesis (PyPI) in $target/schemathesis"
    python3 -m venv "$target/schemathesis" || return
    "$target/schemathesis/bin/pip" install --quiet --disable-pip-version-check 'schemathesis>=4.32,<5' || return
    schemathesis --version
}

step_format() { cargo fmt --all --check; }

step_architecture() { cargo test "${everything[@]}" --test architecture; }

step_clippy() { cargo clippy "${everything[@]}" --all-targets -- -D warnings; }

step_documentation() { RUSTDOCFLAGS='-D warnings' cargo doc "${everything[@]}" --lib --no-deps; }

# Examples are not among them: they have a step of their own.
step_tests() {
    if cargo nextest --version >/dev/null 2>&1; then
        local ignored=()
        if $long; then ignored=(--profile long --run-ignored all); fi
        cargo nextest run "${everything[@]}" --exclude loadcore-examples "${ignored[@]}"
    else
        local ignored=()
        if $long; then ignored=(-- --include-ignored); fi
        # The accuracy tests are not among them: they have a step of their own.
        cargo test "${everything[@]}" --exclude loadcore-examples --no-fail-fast --tests "${ignored[@]}"
    fi
}

# The REST API against its own description, as three callers: for a minute, with --long for fifteen.
step_openapi() {
    tool_schemathesis || { echo "skipped: schemathesis cannot be installed here"; return 77; }
    # A test brings the programs of its package with it, with the features that the tests have.
    cargo test "${everything[@]}" --test program --no-run || return
    local seconds=60 examples=20
    if $long; then seconds=900 examples=100000; fi
    tests/schemathesis/run "$target/debug/loadcore-controller" schemathesis $seconds $examples
}

# The tool that has the schema of Compose files, and reads YAML.
tool_check_jsonschema() {
    check-jsonschema --version 2>/dev/null && return
    echo "installing: check-jsonschema (PyPI) in $target/check-jsonschema"
    python3 -m venv "$target/check-jsonschema" || return
    "$target/check-jsonschema/bin/pip" install --quiet --disable-pip-version-check check-jsonschema || return
    check-jsonschema --version
}

# The files of the deployment by their schema, against the programs and against each other; and
# test-platform.sh: it passes on a controller, and does not where the target cannot be reached.
step_deployment() {
    local script
    for script in test-platform.sh deploy/docker/skeleton; do bash -n "$script" || return; done
    PYTHONPYCACHEPREFIX=$scratch/pycache python3 -m py_compile deploy/docker/try tests/containers/*.py || return
    tool_check_jsonschema || { echo "skipped: check-jsonschema cannot be installed here"; return 77; }
    check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml || return
    cargo test "${everything[@]}" --test program --test cli --no-run || return
    "$(head -n 1 "$(command -v check-jsonschema)" | sed 's/^#!//')" tests/containers/check.py "$target/debug" || return
    tests/containers/without "$target/debug"
}

# Images are built and the whole Compose file is run, broken and held to what it promises.
step_containers() {
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "skipped: containers need Debian and root here"
        return 77
    fi
    deploy/docker/try --compile --folder "$target/containers"
}

# Against the built-in target, alone on the machine, with a third answer: inconclusive. Then the step
# counts as skipped: something was not judged.
step_accuracy() {
    cargo test "${everything[@]}" --test accuracy 2>&1 | tee "$scratch/accuracy"
    [ "${PIPESTATUS[0]}" -eq 0 ] || return 1
    ! grep -q INCONCLUSIVE "$scratch/accuracy" || return 77
}

# Makes mistakes of 1% and of 0.2 ms on purpose: the accuracy tests have to notice each.
step_mutations() { tests/mutations/run --real; }

# The HTML report in a browser: Chromium, Node and two packages are installed where they are missing.
step_report_page() {
    # A test brings the program of its package with it, with the features that the tests have.
    cargo test "${everything[@]}" --test cli --no-run || return
    tests/report-page/run "$target/debug/loadcore" "$target/report-page"
}

# The dashboard: its types, its parts, that the built files are its sources' build, and all of it in a browser;
# with --long a picture of every page in every look too.
step_dashboard() {
    cargo test "${everything[@]}" --test program --no-run || return
    local pictures=()
    if $long; then pictures=("$target/dashboard"); fi
    bins/controller/dashboard/check "$target/debug/loadcore-controller" "${pictures[@]}"
}

# What is found on targets with a known bottleneck, and how sure it is said to be: 200 trials of each
# kind in virtual time, as two tables.
step_matrix() {
    LOADCORE_LONG=1 cargo test "${everything[@]}" --lib bottleneck::trials -- --nocapture
}

step_doctests() { cargo test "${everything[@]}" --no-fail-fast --doc; }

# Each example is a whole program that ends by itself within seconds, and has to say what it found; each
# scenario file is planned, and its beginning run.
step_examples() {
    # For tests that are asked for by name cargo builds no examples.
    cargo build "${everything[@]}" --profile test --examples || return
    cargo test "${everything[@]}" --no-fail-fast --test rust --test scenarios
}

# The crates as a user gets them: packed, unpacked elsewhere, the library used by a crate that knows
# nothing of this workspace and the programs built. That is a check of the packages too, so cargo's
# own, and `cargo install` of each program, run only with --long.
step_package() {
    # A folder of its own: every folder in it becomes a member of the workspace that is made there.
    local unpacked=$scratch/package version crate verify=(--no-verify) crates=() programs=()
    mkdir "$unpacked" || return
    version=$(sed -n '/^\[workspace.package\]/,/^$/s/^version = "\(.*\)"/\1/p' Cargo.toml)
    for crate in loadcore loadcore-* bins/*; do
        grep -q '^publish = false' "$crate/Cargo.toml" && continue
        crates+=("$(sed -n '0,/^name = /s/^name = "\(.*\)"/\1/p' "$crate/Cargo.toml")")
        case $crate in bins/*) programs+=("${crates[-1]}") ;; esac
    done
    if $long; then verify=(); fi
    cargo package "${crates[@]/#/-p}" --locked --allow-dirty "${verify[@]}" || return
    for crate in "${crates[@]}"; do
        tar -xzf "$target/package/$crate-$version.crate" -C "$unpacked" || return
        mv "$unpacked/$crate-$version" "$unpacked/$crate" || return
    done
    cp -r tests/consumer "$unpacked/consumer" || return
    mv "$unpacked/consumer/workspace.toml" "$unpacked/Cargo.toml" || return
    # The same profiles and versions as here, so that what is built already is used again.
    sed -n '/^\[profile\.dev\]/,$p' Cargo.toml >>"$unpacked/Cargo.toml" || return
    cp Cargo.lock "$unpacked/Cargo.lock" || return
    export CARGO_TARGET_DIR=$target
    (cd "$unpacked" && cargo test -p consumer && cargo check --workspace --all-features) || return
    if $long; then
        for crate in "${programs[@]}"; do
            (cd "$unpacked" && cargo install --path "$crate" --locked --root "$unpacked/installed") || return
        done
        for crate in "$unpacked"/installed/bin/*; do "$crate" --version || return; done
    fi
}

# Licences, sources and bans; advisories need the network and are looked at separately.
step_dependencies() {
    command -v cargo-deny >/dev/null || return 77
    cargo deny --offline check bans licenses sources
}

steps=(tools format architecture clippy documentation tests openapi deployment report-page dashboard accuracy doctests examples package dependencies)
if $long; then steps+=(mutations matrix containers); fi

# ---------------------------------------------------------------- running them

if $list; then printf '%s\n' "${steps[@]}"; exit 0; fi

wanted() {
    [ ${#words[@]} -eq 0 ] && return 0
    local word
    for word in "${words[@]}"; do [[ $1 == *$word* ]] && return 0; done
    return 1
}

passed=0 failed=0 skipped=0 report=()
for step in "${steps[@]}"; do
    wanted "$step" || continue
    printf '\n==== %s\n' "$step"
    begun=$SECONDS
    "step_${step//-/_}"
    status=$?
    took="$((SECONDS - begun)) s"
    case $status in
        0) passed=$((passed + 1)) word=ok ;;
        77) skipped=$((skipped + 1)) word=skipped ;;
        *) failed=$((failed + 1)) word=FAILED ;;
    esac
    printf '==== %s: %s, %s\n' "$step" "$word" "$took"
    report+=("$(printf '%-14s %-8s %8s' "$step" "$word" "$took")")
    # Without its tools nothing else can say anything.
    if [ "$step" = tools ] && [ $status -ne 0 ]; then break; fi
done

printf '\n==== steps of test.sh, %s s in all\n' "$SECONDS"
[ ${#report[@]} -gt 0 ] && printf '%s\n' "${report[@]}"
if [ $((passed + failed)) -eq 0 ]; then
    echo "no step ran" >&2
    exit 2
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
