# SPDX-License-Identifier: Apache-2.0
# What a chosen container finds at the target, from its creation to its end.
load oauth

@test "a tmpfs at the target gets the token, read-only, without the refresh token" {
    a_login
    a_profile
    start box --tmpfs "$target"
    has_current_token box
    [[ $(inside box cat "$target/.credentials.json" | jq -c '.claudeAiOauth | has("refreshToken")') == false ]]
    [[ $(inside box stat -c %a "$target/token") == 444 ]]
    [[ $(inside box grep " $target " /proc/mounts | tail -n 1) == *' ro,nosuid,nodev,noexec'* ]]
    run inside box touch "$target/token"
    [[ $output == *'Read-only file system'* ]]
    [[ $(status_of '.containers[0] | "\(.id) \(.delivery) \(.path)"') == "$(id_of box) mount $target" ]]
}

@test "a container with a read-only root and a user of its own reads it" {
    a_login
    a_profile
    start box --tmpfs "$target" --read-only --user 1000:1000
    has_current_token box
}

@test "a container that nobody chose gets nothing, and no request is made" {
    a_login
    a_profile
    start box
    run inside box ls "$target"
    ((status != 0))
    [[ $(counted posts) == 0 ]]
    [[ ! -e $(runtime_dir) ]]
}

@test "a profile for all makes a target that the image lacks" {
    a_login
    a_profile '.deliver_to = "all"'
    start box
    has_current_token box
}

@test "a --profile argument chooses the container" {
    a_login
    a_profile
    HOOK_ARGS+=(--profile claude)
    start box
    has_current_token box
}

@test "a directory that a person mounts at the target is written into, for the container's user" {
    a_login
    a_profile
    local directory
    directory=$(a_directory tokens)
    start box --volume "$directory:$target" --user 0:0
    has_current_token box
    [[ $(stat -c %u "$directory/token") == "$OPERATOR_ID" ]]
    [[ $(status_of '.containers[0].delivery') == write ]]

    refreshed
    has_current_token box
    stop box
    [[ -z $(ls -A "$directory") ]]
    [[ -z $(ls -A "$(runtime_dir)/containers") ]]
}

@test "a written directory that two containers have keeps its files until the last of them ends" {
    a_login
    a_profile
    local directory
    directory=$(a_directory tokens)
    start box --volume "$directory:$target" --user 0:0
    start other --volume "$directory:$target" --user 0:0
    stop box
    has_current_token other
    refreshed
    has_current_token other
    stop other
    [[ -z $(ls -A "$directory") ]]
}

@test "a written directory that was replaced is not written into" {
    a_login
    a_profile
    local directory
    directory=$(a_directory tokens)
    start box --volume "$directory:$target"
    mv "$directory" "$directory.old"
    a_directory tokens >/dev/null
    refreshed
    [[ -z $(ls -A "$directory") ]]
    has_current_token box
}

@test "the share directory that a person binds is kept fresh, and nothing else is done to it" {
    a_login
    a_profile
    oci_oauth refresh
    login_ends_in -60
    local before
    start box --volume "$SHARE:$target:ro"
    [[ $(counted posts) == 1 ]]
    has_current_token box
    before=$(stat -c '%n %u %a' "$SHARE"/token "$SHARE"/.credentials.json)
    refreshed
    has_current_token box
    stop box
    [[ $(stat -c '%n %u %a' "$SHARE"/token "$SHARE"/.credentials.json) == "$before" ]]
}

@test "a share directory that a person binds writable is covered by a read-only mount, and reported" {
    a_login
    a_profile
    oci_oauth refresh
    start box --volume "$SHARE:$target" --user 0:0
    has_current_token box
    run inside box touch "$target/settings.json"
    [[ $output == *'Read-only file system'* ]]
    [[ ! -e $SHARE/settings.json ]]
    [[ $(logged) == *"bind-mounted writable at '$target'"*"--volume $SHARE:$target:ro"* ]]
    refreshed
    has_current_token box
}

@test "a profile with several targets reaches each that a person mounted, by one request" {
    a_login
    login_ends_in -60
    a_profile ".target = [\"/home/node/.claude\", \"$target\", \"/home/vscode/.claude\"]"
    local directory
    directory=$(a_directory tokens)
    start box --tmpfs "$target" --volume "$directory:/home/vscode/.claude" --user 0:0
    has_current_token box
    has_current_token box /home/vscode/.claude
    run inside box ls /home/node
    ((status != 0))
    [[ $(counted posts) == 1 ]]
    [[ $(status_of '.containers | map(.path) | sort | join(" ")') == "/home/vscode/.claude $target" ]]
    refreshed
    has_current_token box
    has_current_token box /home/vscode/.claude
    stop box
    [[ -z $(ls -A "$directory") ]]
}

@test "a target within a mount is not chosen, and the log says what to do" {
    a_login
    a_profile
    start box --tmpfs /run/secrets
    [[ -z $(inside box ls -A /run/secrets) ]]
    [[ $(logged) == *"profile 'claude', container $(id_of box): no token delivered: '$target' is inside the tmpfs at '/run/secrets'"* ]]
}

@test "a configuration that cannot be used and says block lets no container start without a token" {
    a_login
    a_profile '.on_failure = "block" | .colour = "red"'
    run start box --tmpfs "$target"
    ((status != 0))
    [[ $(logged) == *'/profiles/claude/colour'* ]]
}

@test "an attempt that lies in the future, as after a clock was set back, keeps no container from a refresh" {
    a_login
    a_profile
    oci_oauth refresh
    edit_file "$(runtime_dir)/profiles/claude.json" '.attempted_at += 3600000'
    login_ends_in -60
    start box --tmpfs "$target"
    [[ $(counted posts) == 1 ]]
    has_current_token box
}

@test "a variable that takes precedence over the token is reported" {
    a_login
    a_profile
    start box --tmpfs "$target" --env ANTHROPIC_API_KEY=placeholder
    has_current_token box
    [[ $(logged) == *"profile 'claude', container $(id_of box): its environment has ANTHROPIC_API_KEY, which"* ]]
}

@test "mounted files that the container's user cannot read are reported" {
    a_login
    a_profile '.mode = "0400"'
    start box --tmpfs "$target" --user 1000:1000
    run token_in box
    ((status != 0))
    [[ $(logged) == *"profile 'claude', container $(id_of box): uid 1000 cannot read the files that are mounted at '$target': mode 0400"* ]]
}

@test "two profiles reach one container" {
    a_login
    a_profile
    configure '.profiles.other = (.profiles.claude | .provider = "claude")'
    start box --tmpfs "$target" --tmpfs /run/secrets/other
    has_current_token box
    has_current_token box /run/secrets/other
}

has_token() { [[ $(token_in "$1") == "$(current_token)" ]]; }

# hook_called_for PROFILE...: a HOOK that calls the real one once for each, as an engine does for CDI devices.
hook_called_for() {
    local hook=$BATS_TEST_TMPDIR/hook
    cat >"$hook" <<-END
		#!/bin/sh
		state=\$(cat)
		for profile in $*; do
		    printf %s "\$state" | "$HOOK" --config "$CONFIG" --profile "\$profile" "\$@" || exit
		done
	END
    chmod 755 "$hook"
    HOOK=$hook
    HOOK_ARGS=()
}

@test "a hook that is called for each profile delivers each once, and all of it is refreshed and forgotten" {
    a_login
    a_profile
    configure '.profiles.other = (.profiles.claude | .provider = "claude")'
    hook_called_for claude other claude
    local directory
    directory=$(a_directory tokens)
    start box --tmpfs "$target" --volume "$directory:/run/secrets/other" --user 0:0
    [[ $(inside box grep -c " $target " /proc/mounts) == 2 ]]
    [[ $(oci_oauth status --json | jq -r '[.profiles[].containers[].delivery] | join(" ")') == 'mount write' ]]
    refreshed
    oci_oauth refresh other
    has_current_token box
    has_current_token box /run/secrets/other
    stop box
    [[ -z $(ls -A "$directory") ]]
    [[ -z $(ls -A "$(runtime_dir)/containers") ]]
}

# What an engine's hooks meet whose unit has MountFlags=slave.
@test "what a hook in a mount namespace of its engine's makes first is what the host publishes into" {
    a_login
    a_profile
    local hook=$BATS_TEST_TMPDIR/hook
    printf '%s\n' '#!/bin/sh' "exec unshare --mount --propagation slave $HOOK \"\$@\"" >"$hook"
    chmod 755 "$hook"
    HOOK=$hook
    start box --tmpfs "$target"
    has_current_token box
    refreshed
    has_current_token box
}

@test "a refresh reaches the running containers, and poststop forgets them" {
    a_login
    a_profile
    start one --tmpfs "$target"
    start two --tmpfs "$target"
    local before
    before=$(token_in one)
    refreshed
    [[ $(token_in one) != "$before" ]]
    has_current_token one
    has_current_token two
    stop one
    stop two
    [[ $(status_of '.containers | length') == 0 ]]
    [[ -z $(ls -A "$(runtime_dir)/containers") ]]
}

@test "an expired token is refreshed once before the container starts" {
    a_login
    login_ends_in -60
    a_profile
    start box --tmpfs "$target"
    has_current_token box
    [[ $(counted posts) == 1 ]]
}

@test "a due token that is still valid is delivered at once and refreshed in the background" {
    a_login
    login_ends_in 1800
    a_profile
    oci_oauth refresh --offline
    login=$(current_token)
    script '{"delay_ms": 3000}'
    start box --tmpfs "$target"
    [[ $(token_in box) == "$login" ]]
    renewed() { [[ $(token_in box) != "$login" ]]; }
    eventually --at "$SHARE" renewed
    has_current_token box
}

@test "with a dead endpoint the container starts, and the next refresh heals it" {
    a_login
    login_ends_in -60
    a_profile '.hook_wait = "2s"'
    script '{"status": 503, "body": "{}"}'
    start box --tmpfs "$target"
    [[ $(logged) == *'oci-oauth-hook'*"profile 'claude'"* ]]
    refreshed
    has_current_token box
}

@test "containers that meet a silent endpoint wait together no longer than one of them, and then not at all" {
    a_login
    login_ends_in -60
    a_black_hole
    a_profile '.hook_wait = "3s"'
    configure '.profiles.claude.token_url = "'"$(cat "$HOLE/url")"'"'
    local began number
    start first --tmpfs "$target"
    began=$SECONDS
    # The attempt goes on: each of these would wait for it, or for one of its own.
    for number in {1..5}; do start "next-$number" --tmpfs "$target"; done
    ((SECONDS - began < 12))
    [[ $(logged | grep -c 'no answer from the refresher in time') -ge 2 ]]
    ((began >= 3))
}

@test "on_failure block refuses a container that would have no valid token" {
    a_login
    login_ends_in -60
    a_profile '.on_failure = "block"'
    script '{"status": 503, "body": "{}"}'
    run start box --tmpfs "$target"
    ((status != 0))
    [[ $(logged) == *"profile 'claude'"* ]]
    [[ -z $(ls "$(runtime_dir)/containers") ]]
    HOOK_ARGS=(--config "$CONFIG")
    start other
}

@test "on_failure block starts a container whose token is valid, where no refresher can be started" {
    a_login
    a_profile '.on_failure = "block"'
    oci_oauth refresh
    login_ends_in 3000
    install -D "$HOOK" "$BATS_TEST_TMPDIR/half/libexec/oci/hooks.d/oci-oauth-hook"
    chmod 755 "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/half"
    HOOK=$BATS_TEST_TMPDIR/half/libexec/oci/hooks.d/oci-oauth-hook
    start box --tmpfs "$target"
    has_token box
    [[ $(logged) == *"profile 'claude', container $(id_of box)"*'half/bin/oci-oauth'* ]]
}

@test "on_failure block starts a container whose token is valid, where the refresher is slower than hook_wait" {
    a_login
    a_profile '.on_failure = "block" | .hook_wait = "1s"'
    oci_oauth refresh
    login_ends_in 3000
    exec 8<"$(runtime_dir)/locks/claude"
    flock 8
    start box --tmpfs "$target" 8<&-
    exec 8<&-
    has_token box
    [[ $(logged) == *"profile 'claude', container $(id_of box): no answer from the refresher in time"* ]]
}

@test "a broken configuration stops no container and is logged with its place" {
    a_login
    a_profile '.colour = "red"'
    start box --tmpfs "$target"
    [[ $(logged) == *'/profiles/claude/colour'* ]]
}

@test "a missing login stops no container and is logged" {
    a_login
    a_profile
    rm "$CREDENTIALS"
    start box --tmpfs "$target"
    [[ $(logged) == *"profile 'claude'"*'.credentials.json'* ]]
}

@test "a runtime directory that cannot be written stops no container and is logged" {
    a_login
    a_profile
    mkdir -p "$(runtime_dir)"
    mount -t tmpfs -o "ro,mode=700,uid=$OPERATOR_ID" tmpfs "$(runtime_dir)"
    start box --tmpfs "$target"
    [[ -z $(inside box ls -A "$target") ]]
    [[ $(logged) == *"profile 'claude'"*"$(runtime_dir)/share: mkdir: Read-only file system"* ]]
}

@test "a runtime directory that others could enter is not used" {
    a_login
    a_profile
    install -d -o "$OPERATOR_ID" -m 755 "$(runtime_dir)"
    start box --tmpfs "$target"
    run token_in box
    ((status != 0))
    [[ $(logged) == *"$(runtime_dir): must belong to"* ]]
}
