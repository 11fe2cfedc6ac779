# SPDX-License-Identifier: Apache-2.0
# Followers while members and cables fail: ./dev faults fleet. A host connects again at a time of its own, 1 to 30 s after
# its first failure, and notices after 50 s that a member has vanished.
bats_require_minimum_version 1.5.0
load words
load hosts

setup_file() {
    make_keys
    local n
    for n in 1 2 3; do
        add_namespace "h$n" "10.77.2.$n"
        make_host "$n"
        start_host "$n" "h$n"
    done
    echo 0 >"$LAB/generation"
    export BOUND=150
}
teardown_file() {
    local n
    for n in 1 2 3; do end_host "$n"; done
}
setup() { generation=$(cat "$LAB/generation"); }
next() { echo "$((++generation))" >"$LAB/generation"; }
# By a member of the majority, however often that takes.
publish_next() {
    next
    eventually publish "$generation"
}
all_have() {
    local n
    for n in 1 2 3; do has_token "$n" "$generation" || return 1; done
}

@test "hosts that lost their member have the next record from another one" {
    publish_next
    eventually all_have
    for n in 1 2 3; do
        end_member "$n"
        publish_next
        eventually all_have
        start_member "$n"
        await_members
    done
}

@test "a member without its majority is left" {
    for n in 1 2 3; do
        cut "m$n"
        publish_next
        eventually all_have
        join "m$n"
        await_members
    done
}

@test "a member that hears nothing, or is not heard, is left" {
    for way in deaf mute; do
        "$way" m1
        publish_next
        eventually all_have
        hear_all m1
        await_members
    done
}

@test "hosts whose cable is out keep their token, and have the newest one afterwards" {
    publish_next
    eventually all_have
    cut h1
    before=$generation
    publish_next
    publish_next
    has_token 1 "$before"
    join h1
    eventually all_have
}

@test "without a majority nothing is written; hosts keep what they have" {
    publish_next
    eventually all_have
    pause_member 1
    pause_member 2
    run ! publish $((generation + 1))
    all_have
    resume_member 1
    resume_member 2
    await_members
    publish_next
    eventually all_have
}

@test "a store that was restored from a backup turns no host back" {
    publish_next
    eventually all_have
    save_members backup
    publish_next
    eventually all_have
    newest=$generation
    restore_members backup
    for n in 1 2 3; do eventually grep -q 'is older' "$HOSTS/$n/log"; done
    for n in 1 2 3; do has_token "$n" "$newest"; done
    publish_next
    eventually all_have
}

@test "a store that lost everything turns no host back" {
    publish_next
    eventually all_have
    for n in 1 2 3; do end_member "$n"; rm -r "$LAB/m$n"; done
    for n in 1 2 3; do start_member "$n"; done
    await_members
    all_have
    publish_next
    eventually all_have
}

@test "a certificate that is replaced while a host follows is used" {
    place=$HOSTS/1
    end_host 1
    install -o "$host_user" -m 644 "$LAB/expired.pem" "$place/client.pem"
    jq --arg file "$place/client.pem" '.fleet.certificate_file = $file' "$place/config.json" >"$place/config"
    mv "$place/config" "$place/config.json"
    start_host 1 h1
    eventually grep -q 'certificate' "$place/log"
    publish_next
    install -o "$host_user" -m 644 "$LAB/client.pem" "$place/client.pem"
    eventually all_have
}
