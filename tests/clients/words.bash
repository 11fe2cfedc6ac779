# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Words that the runs with other people's clients and servers share.

# shellcheck source=tests/support/words.bash
source "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../support/words.bash"

fail() {
    echo "clients: error: $*" >&2
    exit 1
}

# make_certificate DIR NAME...: in DIR, key.pem and cert.pem for these hosts, with the authority that vouches for them, and that
# alone as ca.pem.
make_certificate() {
    local dir=$1 key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2) names
    shift
    names=$(printf ',DNS:%s' "$@")
    openssl req -x509 "${key[@]}" -subj /CN=authority -keyout "$dir/ca.key" -out "$dir/ca.pem" 2>/dev/null
    openssl req -x509 -CA "$dir/ca.pem" -CAkey "$dir/ca.key" "${key[@]}" -subj "/CN=$1" -addext basicConstraints=CA:FALSE \
        -addext "subjectAltName=${names#,}" -keyout "$dir/key.pem" -out "$dir/cert.pem" 2>/dev/null
    cat "$dir/ca.pem" >>"$dir/cert.pem"
}

version_of() { jq -r .version "$1/package.json"; }

# saw TEXT: what a test of bats saw, for the page; `engines` are the clients.
saw() {
    local name
    name=$(basename "$BATS_TEST_FILENAME" .bats)
    echo "$1" >"$FIGURES/${name/#engines/$ENGINE}.$BATS_TEST_NUMBER"
}

# figure WHAT VERSIONS SEEN: a row of the page; `figures` names the file.
figure() {
    echo "clients: $1 $2: $3"
    # shellcheck disable=SC2154
    echo "| $1 | $2 | $3 |" >>"$figures"
}
