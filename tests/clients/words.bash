# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Words that the runs with other people's clients share.

fail() {
    echo "clients: error: $*" >&2
    exit 1
}

# shellcheck source=tests/support/words.bash
source "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../support/words.bash"

# make_certificate DIR NAME [ALTERNATIVE]: key.pem and cert.pem in DIR for a host, which vouches for itself.
make_certificate() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$2" \
        -addext "subjectAltName=DNS:$2${3:+,$3}" -keyout "$1/key.pem" -out "$1/cert.pem" 2>/dev/null
}

version_of() { jq -r .version "$1/package.json"; }

# figure WHAT VERSIONS SEEN: a row of the page; `figures` names the file.
figure() {
    echo "clients: $1 $2: $3"
    # shellcheck disable=SC2154
    echo "| $1 | $2 | $3 |" >>"$figures"
}
