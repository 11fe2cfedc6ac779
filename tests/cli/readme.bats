# SPDX-License-Identifier: Apache-2.0
# The README's way, walked by a new user: its sessions print what stands there.

readonly here=$BATS_TEST_DIRNAME

# What differs from run to run: tokens, ids, times, and the width of what is aligned beside them.
masked() {
    sed -E -e 's/sk-ant-[a-z0-9]+-[A-Za-z0-9_-]+(\.\.\.)?/TOKEN/g' -e 's/20[0-9-]{8}T[0-9:]{8}Z/TIME/g' \
        -e 's/\b[0-9a-f]{12,64}(\.\.\.)?/ID/g' -e 's/[0-9]+ h [0-9]+ min|under 1 min/DURATION/g' \
        -e 's/just now|[0-9]+ min ago/AGO/g' -e 's/localhost:[0-9]+|platform.claude.com/HOST/g' -e 's/ +/ /g'
}

@test "the README's sessions are what the programs print" {
    "$here/readme-sessions" >"$BATS_TEST_TMPDIR/README.md" 3>&-
    diff <(masked <"$here/../../README.md") <(masked <"$BATS_TEST_TMPDIR/README.md") || {
        echo 'to mend: tests/runtimes/run --command tests/cli/readme-sessions >README.md'
        false
    }
}
