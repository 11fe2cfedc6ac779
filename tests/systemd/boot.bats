# SPDX-License-Identifier: Apache-2.0
# A machine that boots twice, with one disk: what comes at each boot, and what each login's own path unit is for.
load machine

readonly other=$tree/home/$person/.other/login.json

setup_file() {
    prepare_tree
    start_trusted_endpoint
    configuration '.profiles.other = (.profiles.claude | .provider = "claude" | .credentials = "/home/me/.other/login.json"
        | .target = "/run/secrets/other")' >"$tree/etc/oci-oauth/config.json"
    a_mail_unit
    systemctl --root "$tree" --quiet enable oci-oauth-boot.timer oci-oauth-publish.service oci-oauth-refresh.timer \
        oci-oauth-refresh.path oci-oauth-refresh.socket
    # No tick but that of the boot.
    mkdir -p "$tree/etc/systemd/system/oci-oauth-refresh.timer.d"
    printf '[Timer]\nOnCalendar=\nOnCalendar=2100-01-01\n' >"$tree/etc/systemd/system/oci-oauth-refresh.timer.d/never.conf"
}

teardown_file() {
    shut_down
    stop_endpoint
    remove_tree
}

# The manual's own example, and a mail(1) that keeps what it is given.
a_mail_unit() {
    local manual=$BATS_TEST_DIRNAME/../../docs/man/oci-oauth.1.in unit=oci-oauth-mail.service
    sed -n "/^# .*$unit\$/,/^\.Ed/{/^[^#.]/p}" "$manual" >"$tree/etc/systemd/system/$unit"
    mkdir -p "$tree/etc/systemd/system/oci-oauth-refresh.service.d"
    sed -n '/^# .*refresh.service.d.mail.conf$/,/^$/{/^[^#]/p}' "$manual" >"$tree/etc/systemd/system/oci-oauth-refresh.service.d/mail.conf"
    printf '#!/bin/sh\ncat >/var/lib/mailed\n' >"$INSTALLED/bin/mail"
    chmod 755 "$INSTALLED/bin/mail"
}

# A login that is missing is a failure. systemd looks at a path again a moment after what it started has ended.
rests() {
    [[ $(state_of oci-oauth-refresh.service) == @(inactive|failed) ]] &&
        [[ $(unit list-units --no-legend --plain 'oci-oauth-*.path') != *running* ]]
}
published_of() { cat "$(in_machine "/run/oci-oauth/share/$1/token")" 2>/dev/null; }

boots_and_refreshes() {
    a_login -60
    local before
    before=$(current_token)
    boot
    eventually is_rotated "$before"
}

@test "at the first boot and the second, a tick refreshes what is due" {
    boots_and_refreshes
    shut_down
    boots_and_refreshes
}

@test "each change of a login is published at once, though another profile's login is not there yet" {
    local i
    for i in 1 2 3; do
        eventually rests
        a_login 28800
        eventually is_published
    done
    as_person_outside mkdir -p "${other%/*}"
    as_person_outside cp "$login" "$other"
    other_is_published() { [[ $(published_of other) == "$(current_token)" ]]; }
    eventually other_is_published
}

@test "a profile that is added is followed after daemon-reload" {
    local third=$tree/home/$person/third.json
    jq '.profiles.third = (.profiles.other | .credentials = "/home/me/third.json" | .target = "/run/secrets/third")' \
        "$tree/etc/oci-oauth/config.json" >"$shared/config" && cp "$shared/config" "$tree/etc/oci-oauth/config.json"
    unit daemon-reload
    eventually is_in_state active oci-oauth-login-third.path
    eventually rests
    as_person_outside cp "$login" "$third"
    third_is_published() { [[ $(published_of third) == "$(current_token)" ]]; }
    eventually third_is_published
}

@test "the path unit that is enabled takes those of the logins with it" {
    unit stop oci-oauth-refresh.path
    is_in_state inactive oci-oauth-login-claude.path
    [[ $(machine sh -c 'oci-oauth doctor || true') != *oci-oauth-login-* ]]
    unit start oci-oauth-refresh.path
    is_in_state active oci-oauth-login-claude.path
}

@test "the manual's unit that mails is a person's own: no sandbox of ours is around it" {
    as_person_outside sh -c 'echo "{" >"$1"' - "$login"
    is_mailed() { [[ $(cat "$(in_machine /var/lib/mailed)" 2>/dev/null) == *'claude '* ]]; }
    eventually is_mailed
    [[ $(machine systemctl show --property NoNewPrivileges,PrivateNetwork,RestrictSUIDSGID oci-oauth-mail.service | sort | tr '\n' ' ') == \
        'NoNewPrivileges=no PrivateNetwork=no RestrictSUIDSGID=no ' ]]
}
