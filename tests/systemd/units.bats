# SPDX-License-Identifier: Apache-2.0
# The units in a systemd that has really booted, enabled as a person would. The tests are one story: each begins where
# the one before it ended.
load machine

setup_file() {
    prepare_tree
    start_endpoint
    configuration >"$tree/etc/oci-oauth/config.json"
    prepare_container
    # Nothing of this is fresh: only the units can have published it.
    a_login 28800
    cat >"$tree/etc/systemd/system/engine.service" <<-'END'
		[Unit]
		Description=Stands for a container engine: any service that starts at boot
		[Service]
		Type=oneshot
		ExecStart=/bin/sh -c 'cat /run/oci-oauth/share/claude/token >/var/lib/at-start'
		[Install]
		WantedBy=multi-user.target
		END
    systemctl --root "$tree" --quiet enable engine.service oci-oauth-publish.service oci-oauth-refresh.timer \
        oci-oauth-refresh.path oci-oauth-refresh.socket
    boot
}

teardown_file() {
    shut_down
    stop_endpoint
    umount "$tree/usr/local" "$tree/usr"
}

@test "after a boot the token was there before an engine started, in a tmpfs of its own" {
    [[ $(<"$tree/var/lib/at-start") == "$(current_token)" ]]
    [[ $(machine findmnt --noheadings --output FSTYPE,OPTIONS /run/oci-oauth/share) == tmpfs*noexec* ]]
    is_in_state active 'run-oci\x2doauth-share.mount'
    [[ $(counted posts) == 0 ]]
}

@test "systemd finds nothing wrong with the units, and rates the services' sandbox 2.0 or better" {
    local service
    [[ -z $(machine systemd-analyze verify /usr/local/lib/systemd/system/oci-oauth-*.{service,timer,path,socket} 2>&1 |
        grep oci-oauth | grep -v man:) ]]
    for service in refresh publish serve; do
        echo "# $(machine systemd-analyze security "oci-oauth-$service.service" --no-pager | tail -n 1)" >&3
        machine systemd-analyze security "oci-oauth-$service.service" --no-pager --threshold 20
    done
}

@test "a container asks at the socket, and the exchange runs in the unit's sandbox" {
    a_login -60
    unit stop oci-oauth-refresh.path oci-oauth-refresh.timer
    local posts
    posts=$(counted posts)
    a_login -60
    start_container
    container_has_current_token
    [[ $(counted posts) == $((posts + 1)) ]]
    [[ $(journal --unit oci-oauth-serve.service --output cat) == *"refresh 'claude': refreshed"* ]]
    unit start oci-oauth-refresh.path oci-oauth-refresh.timer
}
