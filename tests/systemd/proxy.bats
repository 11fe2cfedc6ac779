# SPDX-License-Identifier: Apache-2.0
# `oci-oauth install proxy` in a systemd that has really booted. The tests are one story.
bats_require_minimum_version 1.5.0
load machine

setup_file() {
    prepare_tree
    # The API shows that a token is refused: what it issues is valid for seconds only.
    start_endpoint --expires-in 8
    cp "$ENDPOINT/ca.pem" "$tree/etc/oci-oauth/ca.pem"
    mkdir -p "$tree/etc/ssl/certs" "$tree/etc/oci-oauth/providers.d"
    cp "$ENDPOINT/ca.pem" "$tree/etc/ssl/certs/ca-certificates.crt"
    echo '127.0.0.1 localhost' >"$tree/etc/hosts"
    configuration '.profiles.claude.delivery = "socket"' >"$tree/etc/oci-oauth/config.json"
    chmod 600 "$tree/etc/oci-oauth/config.json"
    grep -v '^ *//' "$INSTALLED/share/oci-oauth/providers/claude.json" |
        jq --arg url "$(sed 's,/v1/.*,,' "$ENDPOINT/url")" '.api.url = $url | .api.requests = ["GET /api/whoami", "POST /api/whoami"]' \
            >"$tree/etc/oci-oauth/providers.d/claude.json"
    prepare_container
    a_login 28800
    boot
}

teardown_file() {
    shut_down
    stop_endpoint
    remove_tree
}

# socket_of CONTAINER [TARGET]
socket_of() { echo "/proc/$(machine cat "/run/$1.pid")/root${2:-$target}/api.sock"; }
ask() {
    machine curl --silent --max-time 20 --write-out '%{http_code}' --unix-socket "$(socket_of "${@:-box}")" http://localhost/api/whoami
}
proxy_pid() { unit show --property MainPID --value oci-oauth-proxy.service; }

@test "install proxy enables its socket, and the first container starts it" {
    run machine oci-oauth install proxy
    echo "$output"
    ((status == 0))
    [[ $output == *'enabled oci-oauth-proxy.socket'* ]]
    is_in_state inactive oci-oauth-proxy.service
    start_container
    is_in_state active oci-oauth-proxy.service || journal --unit oci-oauth-proxy.service --output cat
    [[ $(ask) == '{"authenticated":true}200' ]]
    journal --unit oci-oauth-proxy.service --output cat | grep -q 'claude box GET /api/whoami 200'
}

@test "the proxy is an unprivileged user, who has the tokens that it adds and no other file of ours" {
    local pid user file
    pid=$(proxy_pid)
    user=$(machine stat -c %u "/proc/$pid")
    ((user != 0))
    as_proxy() { machine nsenter --target "$pid" --mount setpriv --reuid "$user" --regid "$user" --clear-groups "$@"; }
    for file in /run/oci-oauth /run/oci-oauth/share/claude/token /etc/oci-oauth/config.json /etc/oci-oauth/providers.d; do
        run ! as_proxy ls "$file"
        [[ $output == *'ermission denied'* ]]
    done
    as_proxy cat /run/oci-oauth-proxy/nginx.conf | grep -q '^# profile: claude localhost [0-9]*$'
    # Not even the directory that it has leads anywhere else.
    machine find "/proc/$pid/fd" -lname / -printf x | grep -qx x
    [[ $(machine sh -c "ls -A /proc/$pid/fd/$(machine find "/proc/$pid/fd" -lname / -printf %f)/..") == "$(machine ls -A /run/oci-oauth/share/claude)" ]]
    machine systemd-analyze security oci-oauth-proxy.service --no-pager --threshold=20 >"$shared/security"
    echo "# $(tail -n 1 "$shared/security")" >&3
}

@test "a restart of the proxy leaves a container its socket" {
    unit restart oci-oauth-proxy.service
    [[ $(ask) == '{"authenticated":true}200' ]]
    [[ $(machine oci-oauth status --json | jq -c '.profiles[0].containers[] | [.id, .delivery, .state, .requests]') == \
        '["box","socket","current",1]' ]]
}

@test "a token that the API refuses is reported at a socket of systemd's, and the request is sent once more" {
    local old
    control 'login?expires_in=8' --request POST >/dev/null
    machine oci-oauth refresh --force claude
    expire_in 28800 "$login"
    machine oci-oauth refresh --offline claude
    old=$(current_token)
    refused() { [[ $(curl --silent --cacert "$ENDPOINT/ca.pem" --header "Authorization: Bearer $old" "$(sed 's,/v1/.*,,' "$ENDPOINT/url")/api/whoami") == *authentication_error* ]]; }
    eventually refused
    [[ $(ask) == '{"authenticated":true}200' ]]
    [[ $(current_token) != "$old" ]]
    journal --unit 'oci-oauth-proxy-rejected@*' --output cat | grep -q "refresh 'claude': refreshed"
}

@test "a profile that is added is taken up by itself, and a stream goes on" {
    local pid client descriptors
    pid=$(proxy_pid)
    open_descriptors() { machine find "/proc/$pid/fd" | wc -l; }
    is_asking() { (($(open_descriptors) >= descriptors + 2)); }
    descriptors=$(open_descriptors)
    mkfifo "$shared/says"
    nsenter --target "$(<"$shared/pid")" --all curl --silent --request POST --upload-file - --write-out '%{http_code}' \
        --unix-socket "$(socket_of box)" http://localhost/api/whoami <"$shared/says" >"$shared/heard" 3>&- &
    client=$!
    exec {says}>"$shared/says"
    echo first >&"$says"
    eventually is_asking

    edit_file "$tree/etc/oci-oauth/config.json" '.profiles.other = .profiles.claude + {provider: "claude", target: "/run/secrets/other"}'
    is_prepared() { machine grep -q '^# profile: other ' /run/oci-oauth-proxy/nginx.conf; }
    eventually is_prepared
    has_token() { machine test -s /run/oci-oauth/share/other/token; }
    eventually has_token
    start_container late '(.mounts[] | select(.destination == $target)).destination = "/run/secrets/other"'
    [[ $(ask late /run/secrets/other) == '{"authenticated":true}200' ]]
    [[ $(proxy_pid) == "$pid" ]]

    echo last >&"$says"
    exec {says}>&-
    has_ended "$client"
    [[ $(<"$shared/heard") == '{"authenticated":true}200' ]]
    stop_container late
}

@test "uninstall proxy stops and disables it" {
    machine oci-oauth uninstall proxy
    is_in_state inactive oci-oauth-proxy.service
    is_in_state inactive oci-oauth-proxy.socket
    run ! machine systemctl --quiet is-enabled oci-oauth-proxy.socket
    unit is-enabled oci-oauth-refresh.timer || true
    stop_container
}
