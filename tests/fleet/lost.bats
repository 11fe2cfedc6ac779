#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Answers of the store that are lost, come in halves, or make no sense, for each request of a refresh: ./dev faults fleet.
load refreshers

readonly relay_port=2390

setup_file() { begin_hosts; }
teardown_file() { end_hosts; }
setup() {
    renew_hosts
    of one fleet join claude
}
teardown() {
    end_relay
    make_host one
    leave_hosts
}

# through_relay HOW [NUMBER]: host one has its store behind a relay (relay.mjs), and no other member.
through_relay() {
    end_relay
    rm -f "$BATS_TEST_TMPDIR/relay"
    node "$BATS_TEST_DIRNAME/relay.mjs" "$BATS_TEST_TMPDIR/relay" $relay_port 10.77.0.11:2379 "$@" </dev/null >"$BATS_TEST_TMPDIR/relay.log" 2>&1 3>&- &
    eventually test -s "$BATS_TEST_TMPDIR/relay"
    edit_file "$BATS_FILE_TMPDIR/one/config.json" ".fleet.endpoints = [\"https://127.0.0.1:$relay_port\"]"
}
end_relay() {
    [[ -s $BATS_TEST_TMPDIR/relay ]] || return 0
    local pid
    pid=$(<"$BATS_TEST_TMPDIR/relay")
    rm "$BATS_TEST_TMPDIR/relay"
    kill "$pid"
    eventually has_died "$pid"
}
# The endpoint has answered whatever it was asked, so no person is needed.
expect_whole() {
    of one refresh
    [[ $(shown state) == live && $(shown refreshing) == null ]]
    [[ $(shown published_generation) == "$(shown generation)" ]]
    each_token_once
}
# after_each HOW: one forced refresh with each of its pieces, until none is left.
after_each() {
    local n cut=0
    for ((n = 1; n <= ${PIECES:-40}; ++n)); do
        through_relay "$1" "$n"
        of one refresh --force >"$BATS_TEST_TMPDIR/said" 2>&1 || ((++cut))
        end_relay
        make_host one
        of two refresh || true
        expect_whole
    done
    ((cut > 5))
}

@test "an answer that is lost, of any request, costs neither a token nor a person" { after_each lose; }

@test "half an answer, of any request, costs neither a token nor a person" { after_each half; }

@test "a store that comes and goes under three refreshers costs neither a token nor a person" {
    for ((round = 1; round <= ${ROUNDS:-15}; ++round)); do
        through_relay flap "$round"
        of one refresh --force >/dev/null 2>&1 3>&- &
        pid=$!
        of two refresh --force >/dev/null 2>&1 || true
        of three refresh >/dev/null 2>&1 || true
        wait "$pid" || true
        end_relay
        make_host one
        expect_whole
    done
}

@test "a member that answers half a document, or none, is left for another one, and alone it stops the refresh" {
    for text in '{"header":{"revision":"5"' '' '<html>' '[]' '{"kvs":[{"key":"AA==","value":"!"}]}'; do
        node -e 'const fs = require("fs"), lab = process.env.LAB;
            const read = (name) => fs.readFileSync(`${lab}/${name}`);
            require("https").createServer({ key: read("member.key"), cert: read("member.pem"), ca: read("ca.pem"), requestCert: true },
                (request, answer) => { request.resume(); answer.end(process.argv[1]); })
                .listen(Number(process.argv[2]), "127.0.0.1", () => fs.writeFileSync(process.argv[3], String(process.pid)));' \
            "$text" $relay_port "$BATS_TEST_TMPDIR/relay" </dev/null >/dev/null 2>&1 3>&- &
        eventually test -s "$BATS_TEST_TMPDIR/relay"
        edit_file "$BATS_FILE_TMPDIR/one/config.json" ".fleet.endpoints = [\"https://127.0.0.1:$relay_port\"]"
        before=$(counted posts)
        run of one refresh --force
        ((status != 0))
        (($(sent) == 0))
        end_relay
        make_host one
    done
    expect_whole
}
