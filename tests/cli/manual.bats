# SPDX-License-Identifier: Apache-2.0
# Manual, completions, schema and --help tell the same.
load words

setup_file() { PATH=$OCI_OAUTH_PREFIX/bin:$PATH; }

share=$OCI_OAUTH_PREFIX/share

needs() { command -v "$1" >/dev/null || skip "not installed: $1"; }
verbs() { oci-oauth --help | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p'; }
options_of() { oci-oauth "$1" --help | grep -oE '^  --[a-z-]+' | tr -d ' '; }
man_text() { MANWIDTH=200 mandoc -T ascii "$share/man/man${1##*.}/$1" | col -b; }

@test "each page is sound mdoc" {
    needs mandoc
    local page
    for page in "$share"/man/man*/oci-oauth*; do
        run -0 mandoc -T lint -W warning "$page"
        [[ -z $output ]]
    done
    [[ $(find "$share/man" -name 'oci-oauth*' | wc -l) == 4 ]]
}

@test "every verb and option of --help is in the manual and in each shell's completion" {
    needs mandoc
    local manual verb option completion
    local completions=("$share/bash-completion/completions/oci-oauth" "$share/zsh/vendor-completions/_oci-oauth"
        "$share/fish/vendor_completions.d/oci-oauth.fish")
    manual=$(man_text oci-oauth.1)
    [[ $(verbs | wc -l) -ge 4 ]]
    for verb in $(verbs); do
        grep -qE "^     oci-oauth $verb( |\$)|^   $verb\$" <<<"$manual" || { echo "manual: $verb" && false; }
        for completion in "${completions[@]}"; do
            grep -qw -- "$verb" "$completion"
        done
        for option in $(options_of "$verb"); do
            grep -qwF -- "$option" <<<"$manual" || { echo "manual: $verb $option" && false; }
            for completion in "${completions[@]}"; do
                grep -qwE -- "$option|-l ${option#--}" "$completion" || { echo "$completion: $verb $option" && false; }
            done
        done
        [[ $(oci-oauth "$verb" --help) == *$'\nexample: '* ]]
    done
}

@test "each program prints its version, and what it is for" {
    local program version
    version=$(oci-oauth --version)
    [[ $version =~ ^oci-oauth\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
    for program in "$OCI_OAUTH_PREFIX"/libexec/{oci-oauth,oci/hooks.d}/*; do
        [[ $("$program" --version) == "${program##*/} ${version#* }" ]]
        [[ $("$program" --help) == "usage: ${program##*/} "* ]]
    done
    [[ $(oci-oauth status --version) == "$version" ]]
    [[ $(oci-oauth-runtime --version | tail -n 1) == "oci-oauth-runtime ${version#* }" ]]
    [[ $(oci-oauth-runtime --help) == "usage: oci-oauth-runtime "* ]]
}

@test "each program refuses an option that it does not know, and one that is started by another says so" {
    local program
    for program in "$OCI_OAUTH_PREFIX"/libexec/oci-oauth/*; do
        complains "${program##*/}" 2 "unknown option '--colour'" "$program --help" "$program" --colour </dev/null
        complains "${program##*/}" 2 "unknown option '--colour'" "$program --help" "$program" --colour x </dev/null
    done
    for program in "$OCI_OAUTH_PREFIX"/libexec/oci-oauth/oci-oauth-{exchange,login,onecli}; do
        complains "${program##*/}" 2 "unknown argument 'x'" "$program --help" "$program" x </dev/null
        run -2 on_terminal "$program"
        [[ $output == *"${program##*/}: error: stdin is a terminal, and not a request of oci-oauth"* ]]
    done
    for program in "$OCI_OAUTH_PREFIX"/libexec/oci-oauth/oci-oauth-{fleet,proxy}; do
        complains "${program##*/}" 2 "option '--config' needs a value" "$program --help" "$program" --config
        complains "${program##*/}" 2 "unknown argument 'x'" "$program --help" "$program" --config a x
    done
    run -0 on_terminal "$OCI_OAUTH_PREFIX/libexec/oci/hooks.d/oci-oauth-hook" --colour # no container fails for this
    [[ $output == *"oci-oauth-hook: error: unknown option '--colour'"* ]]
}

@test "what only units type is in the manual, and neither in the help nor completed" {
    needs mandoc
    local manual verb
    manual=$(man_text oci-oauth.1)
    for verb in serve exchange units; do
        grep -qE "^   $verb\$" <<<"$manual"
        [[ $(verbs) != *$verb* && " $(completed '') " != *" $verb "* ]]
        [[ $(oci-oauth "$verb" --help) == "usage: oci-oauth $verb"* ]]
    done
}

@test "every key of the schemas is in the manual, and every exit code" {
    needs mandoc
    local manual key
    manual=$(man_text oci-oauth-config.5)
    for key in $(jq -r '[.. | objects | .properties? // {} | keys[]] | unique[]' "$share"/oci-oauth/schema/*.json); do
        grep -qw -- "$key" <<<"$manual" || { echo "no word of $key" && false; }
    done
    manual=$(man_text oci-oauth.1)
    for key in 0 1 2 3 4; do
        grep -qE "^     $key[[:space:]]" <<<"$manual"
    done
}

@test "every metric is in the manual" {
    needs mandoc
    a_login
    a_profile
    local manual metric
    manual=$(man_text oci-oauth.1)
    for metric in $(oci_oauth status --prometheus | sed -n 's/^# TYPE \([a-z_]*\) .*/\1/p'); do
        grep -qw "$metric" <<<"$manual"
    done
}

# completed WORD...: what bash offers for the last word.
completed() {
    bash -c '
        source "$0"
        COMP_WORDS=(oci-oauth "$@") COMP_CWORD=$#
        compopt() { :; }
        _oci_oauth
        echo "${COMPREPLY[*]}"' "$share/bash-completion/completions/oci-oauth" "$@"
}

@test "bash completes verbs, options, values and the profiles there are" {
    a_login
    a_profile
    [[ $(completed st) == status ]]
    [[ $(completed status --) == '--json --prometheus --watch --config --help --version' ]]
    [[ $(completed token --format '') == 'raw json header' ]]
    [[ $(completed --min-ttl 5m token --format '') == 'raw json header' ]]
    [[ $(completed token cl) == claude ]]
    [[ $(completed --config "$CONFIG" refresh cl) == claude ]]
    [[ $(completed --config /no/such/file refresh cl) == '' ]]
    [[ " $(completed '') " == *' doctor '* ]]
}

@test "zsh's and fish's completions are sound" {
    needs zsh
    needs fish
    zsh -n "$share/zsh/vendor-completions/_oci-oauth"
    fish --no-execute "$share/fish/vendor_completions.d/oci-oauth.fish"
    [[ $(HOME=$BATS_TEST_TMPDIR fish --no-config -c "source $share/fish/vendor_completions.d/oci-oauth.fish; complete -C 'oci-oauth doc'") == doctor* ]]
    [[ $(HOME=$BATS_TEST_TMPDIR fish --no-config -c "source $share/fish/vendor_completions.d/oci-oauth.fish; complete -C 'oci-oauth status --wa'") == --watch* ]]
}
