# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# needs: nginx openssl strace
# The words of oauth.bash, and more:
#
#   sink JSON             adds a sink to the configuration
#   sink_state FILTER     what status --json says of the only sink
#   lines FILE            how many lines it has
#   start_nginx           starts Debian's nginx with the tree's configuration and what conf.d holds
#   proxy_for URL [REQUEST]   the proxy's configuration, with URL in place of the Claude API, and one more request allowed
#   ask [OPTION]...       a request of a container to the proxy: prints body and status
#   issue_certificate DIR NAME   a self-signed certificate that nginx is to trust

load ../runtimes/oauth

proxy_files=$OCI_OAUTH_PREFIX/share/oci-oauth/proxy

sinks_setup() {
    oauth_setup
    lay_mounts_for_nginx
}

sinks_teardown() {
    [[ ! -s /run/nginx.pid ]] || { nginx -s stop && eventually --at /run test ! -e /run/nginx.pid; }
    rm -rf /run/oci-oauth-proxy /etc/nginx/conf.d/*
    oauth_teardown
}

# What nginx writes to beside /run and /etc, which are the lab's.
lay_mounts_for_nginx() {
    local directory
    for directory in /var/log/nginx /var/lib/nginx; do
        ! mountpoint -q "$directory" || umount --lazy "$directory"
        mount -t tmpfs -o mode=755 tmpfs "$directory"
    done
    rm -f /etc/nginx/sites-enabled/*
}

sink() { configure ".sinks += [$1]"; }
sink_state() { oci_oauth status --json | jq -r ".sinks[0]$1"; }
lines() { wc -l <"$1"; }

start_nginx() { nginx </dev/null >"$BATS_TEST_TMPDIR/nginx.log" 2>&1 3>&- || { cat "$BATS_TEST_TMPDIR/nginx.log" && false; }; }

proxy_for() {
    sed -e "s,https://api.anthropic.com,$1," -e "s,default 0;,&\"${2:-GET /none}\" 1;," \
        "$proxy_files/oci-oauth-proxy.conf" >/etc/nginx/conf.d/proxy.conf
    grep -q "proxy_pass $1;" /etc/nginx/conf.d/proxy.conf
}

ask() {
    curl --silent --max-time 20 --write-out '%{http_code}' --header 'Authorization: Bearer placeholder' \
        --header 'x-api-key: of the container' --header 'Cookie: of=the-container' "$@"
}

issue_certificate() {
    mkdir -p "$1"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1/key.pem" -out "$1/cert.pem" \
        -subj "/CN=$2" -addext "subjectAltName=DNS:$2" -days 1 2>/dev/null
}

trust() { cp "$1" /etc/ssl/certs/ca-certificates.crt; }
