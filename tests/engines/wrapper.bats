# SPDX-License-Identifier: Apache-2.0
# The wrapper itself: what it changes, what it leaves, and that nothing of it shows.
load ../runtimes/oauth
bats_require_minimum_version 1.5.0

# The wrapper's own line of its --version.
versioned() { as_operator oci-oauth --version | sed 's/^oci-oauth /oci-oauth-runtime /'; }
config_of() { echo "$(bundle_of "$1")/config.json"; }

@test "the config.json of a container that nobody chose is not touched" {
    a_login
    a_profile
    bundle box
    local before
    before=$(stat -c '%i %Z' "$(config_of box)")
    start_bundle box
    [[ $(stat -c '%i %Z' "$(config_of box)") == "$before" ]]
}

@test "a chosen container's config.json keeps everything else, its mode and its owner" {
    a_login
    a_profile
    bundle box "${chosen[@]}"
    sed -i '1s/{/{ "x-largest":18446744073709551615, "x-small" : 1.50e-7,/' "$(config_of box)" # jq would round them
    chmod 640 "$(config_of box)"
    cp "$(config_of box)" "$BATS_TEST_TMPDIR/before"
    start_bundle box
    [[ $(stat -c %a "$(config_of box)") == 640 ]]
    grep -q '^{ "x-largest":18446744073709551615, "x-small" : 1.50e-7,' "$(config_of box)"
    diff <(jq -S 'del(.hooks)' "$BATS_TEST_TMPDIR/before") \
        <(jq -S 'del(.hooks) | .process.env -= ["CLAUDE_SECURESTORAGE_CONFIG_DIR=/run/secrets/claude"]' "$(config_of box)")
    [[ $(jq -c '.hooks | map_values(map(.path))' "$(config_of box)") == \
        "{\"createRuntime\":[\"$HOOK\"],\"poststop\":[\"$HOOK\"]}" ]]
}

@test "a second start of the same bundle adds nothing" {
    a_login
    a_profile
    start box "${chosen[@]}"
    local edited
    edited=$(sha256sum "$(config_of box)")
    restart box
    [[ $(sha256sum "$(config_of box)") == "$edited" ]]
    has_current_token box
}

@test "the configured runtime is called, and runc where that one cannot be" {
    a_login
    a_profile
    [[ $(as_operator oci-oauth-runtime --version) == "$(runc --version)"$'\n'"$(versioned)" ]]
    configure '.runtime = "/usr/bin/crun"'
    [[ $(as_operator oci-oauth-runtime --version) == "$(as_operator crun --version)"$'\n'"$(versioned)" ]]
    start box "${chosen[@]}"
    has_current_token box
    stop box
    configure ".runtime = \"$OCI_OAUTH_PREFIX/bin/oci-oauth-runtime\""
    [[ $(as_operator oci-oauth-runtime --version) == "$(runc --version)"$'\n'"$(versioned)" ]]
    [[ $(logged) == *'is this wrapper itself'* ]]
}

@test "exit codes, standard streams, descriptors and words pass through" {
    a_login
    a_profile
    run once "${chosen[@]}" -- sh -c 'exit 42'
    ((status == 42))
    bundle box "${chosen[@]}" -- sh -c 'cat; cat <&3'
    echo three >"$BATS_TEST_TMPDIR/three"
    run as_operator sh -c 'echo in | oci-oauth-runtime run --preserve-fds 1 -b "$0" box 3<"$1"' \
        "$(bundle_of box)" "$BATS_TEST_TMPDIR/three"
    [[ $output == $'in\nthree' ]]
    diff <(as_operator oci-oauth-runtime no-such-verb 2>&1) <(as_operator runc no-such-verb 2>&1)
    run as_operator oci-oauth-runtime state nobody
    ((status == 1))
}

@test "a linked config.json is left alone, and the container starts without a token" {
    a_login
    a_profile
    bundle box "${chosen[@]}"
    mv "$(config_of box)" "$BATS_TEST_TMPDIR/real.json"
    ln -s "$BATS_TEST_TMPDIR/real.json" "$(config_of box)"
    local before
    before=$(sha256sum "$BATS_TEST_TMPDIR/real.json")
    start_bundle box
    [[ $(sha256sum "$BATS_TEST_TMPDIR/real.json") == "$before" && -L $(config_of box) ]]
    [[ $(logged) == *'container box: no token delivered'*'symbolic link'* ]]
}

@test "a bundle that cannot be read is the runtime's to refuse, unless a profile blocks" {
    a_login
    a_profile
    bundle box "${chosen[@]}"
    echo '{"hooks": 7' >"$(config_of box)"
    run start_bundle box
    [[ $output == *runc* || $output == *JSON* ]]
    [[ $(logged) == *'container box: no token delivered'*'config.json:2:1: not JSON'* ]]
    configure '.profiles.claude.on_failure = "block"'
    run start_bundle box --log "$BATS_TEST_TMPDIR/log.json" --log-format json
    ((status == 1))
    [[ $output == *'oci-oauth-runtime: error: container box: no token delivered'* ]]
    [[ $(jq -r .level "$BATS_TEST_TMPDIR/log.json") == error ]]
    [[ $(jq -r .msg "$BATS_TEST_TMPDIR/log.json") == 'oci-oauth-runtime: container box: no token delivered'* ]]
}

@test "a broken configuration and a missing one stop no container" {
    a_login
    a_profile '.colour = "red"'
    start box "${chosen[@]}"
    [[ $(logged) == *'oci-oauth-runtime'*'/profiles/claude/colour'* ]]
    rm "$CONFIG"
    start other "${chosen[@]}"
}

@test "a configuration that cannot be used and says block lets no container be created, and every other call pass" {
    a_login
    refused() {
        run start box "${chosen[@]}"
        ((status == 1))
        [[ $output == *"oci-oauth-runtime: error: "*"$1"* ]]
        run ! as_operator oci-oauth-runtime state box
        [[ $output != *oci-oauth-runtime* ]]
    }
    a_profile '.on_failure = "block" | .colour = "red"'
    refused /profiles/claude/colour
    a_profile '.on_failure = "block"'
    sed -i '$ s/}$/,}/' "$CONFIG"
    refused 'not JSON'
    a_profile '.on_failure = "block"'
    chmod 666 "$CONFIG"
    refused 'other users can change it'
    chmod 644 "$CONFIG"
    start box "${chosen[@]}"
}

@test "a container that is restored is prepared like a new one" {
    a_login
    a_profile
    bundle box "${chosen[@]}"
    restored() { as_operator oci-oauth-runtime restore --image-path "$BATS_TEST_TMPDIR/no-image" --bundle "$(bundle_of box)" box; }
    run ! restored # there is nothing to restore
    [[ $output != *oci-oauth-runtime* ]]
    [[ $(jq -c '.hooks | keys' "$(config_of box)") == '["createRuntime","poststop"]' ]]
    configure '.profiles.claude.provider = "other" | .profiles.claude.on_failure = "block"'
    chmod 666 "$CONFIG"
    run -1 restored
    [[ $output == *'oci-oauth-runtime: error: '*'other users can change it'* ]]
}
