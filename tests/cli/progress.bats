# SPDX-License-Identifier: Apache-2.0
# What ./dev says while something takes long: on a pseudo-terminal, in a pipe, and with --quiet.
# shellcheck disable=SC2046 # `long` prints words
load words

progress=$BATS_TEST_DIRNAME/../support/progress.bash
dev=$BATS_TEST_DIRNAME/../../dev

# A script that runs these lines as ./dev would.
long() {
    printf '%s\n' 'set -euo pipefail' "source '$progress'" "$@" 'echo done' >"$BATS_TEST_TMPDIR/long"
    echo "bash $BATS_TEST_TMPDIR/long"
}

@test "on a terminal one line follows what a command prints, and is cleared at its end" {
    run -0 on_terminal $(long 'watched compiling printf "one\ntwo\n"') </dev/null
    [[ $output == $'\r\e[Kdev: compiling ...\r\e[Kdev: compiling: one ...\r\e[Kdev: compiling: two ...\r\e[Kdone'* ]]
}

@test "in a pipe it is a line, and what the command prints is not shown" {
    run -0 --separate-stderr $(long 'watched compiling echo one')
    # shellcheck disable=SC2154
    [[ $stderr == 'dev: compiling ...' && $output == done ]]
}

@test "a command that fails is shown whole, and its exit status stays" {
    run -3 --separate-stderr $(long 'watched compiling sh -c "echo one; exit 3"')
    [[ $stderr == $'dev: compiling ...\none' && ! $output ]]
    run -3 on_terminal $(long 'watched compiling sh -c "echo one; exit 3"') </dev/null
    [[ $output == *$'\r\e[Kone'* && $output != *done* ]]
}

@test "quiet shows nothing but what fails" {
    run -0 --separate-stderr $(long quiet=1 'watched compiling echo one')
    [[ ! $stderr && $output == done ]]
    run -0 "$dev" --quiet --help
    [[ $output == *'./dev demo '*'--quiet before the word'* ]]
}
