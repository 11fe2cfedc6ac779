# SPDX-License-Identifier: Apache-2.0
# What README.md and docs/ say can be typed: their commands have verbs and options that there are, their configurations are
# accepted, and what they name in the repository is there.
load words

readonly root=$BATS_TEST_DIRNAME/../..

pages() { find "$root/README.md" "$root/docs" -name '*.md'; }

# Each block in LANGUAGE..., on a line of its own, after its page.
blocks() {
    local page
    for page in $(pages); do
        awk -v page="${page##*/}" -v languages=" $* " '
            /^ *```/ { if (inside) print text; inside = !inside && index(languages, " " substr($0, index($0, "`") + 3) " "); text = page " "; next }
            inside { sub(/ *\/\/ .*/, ""); text = text " " $0 }' "$page"
    done
}

# shellcheck disable=SC2016
@test "an oci-oauth in a page has a verb, and options that this verb has" {
    local page line word help
    local -a words all
    local -i seen=0
    mapfile -t all < <(pages)
    while IFS=: read -r page line; do
        read -ra words <<<"$line"
        help=$(oci-oauth "${words[1]}" --help) || { echo "$page: no such verb: $line" && return 1; }
        for word in "${words[@]:2}"; do
            [[ $word != --* || $help == *"[${word%%=*}"[" ]"]* ]] || { echo "$page: no such option: $line" && return 1; }
        done
        seen+=1
    done < <(grep -oP '(^|[ `$(])(?<!-n )(?<!--namespace )\Koci-oauth [a-z]+(?=[ `)]|$)[^`&|#)"]*' "${all[@]}")
    echo "$seen"
    ((seen > 60))
}

@test "each configuration in a page is accepted" {
    local page json
    local -i seen=0
    while read -r page json; do
        case $json in
            \"sinks\"*) json="{\"profiles\": {\"claude\": {\"credentials\": \"/login\"}}, $json}" ;;
            \{*) jq --exit-status 'has("profiles")' <<<"$json" >/dev/null || continue ;;
            *) json="{\"profiles\": {$json}}" ;; # one profile
        esac
        echo "$json" >"$BATS_TEST_TMPDIR/config.json"
        run oci-oauth --config "$BATS_TEST_TMPDIR/config.json" status
        ((status == 0)) || { echo "$page: $output" && return 1; }
        seen+=1
    done < <(blocks json jsonc)
    echo "$seen"
    ((seen >= 10))
}

@test "a link in a page leads to a file that is there, and to a heading in it" {
    local page target file heading
    for page in $(pages); do
        while read -r target; do
            file=${target%%#*}
            file=${file:+${page%/*}/$file}
            [[ -e ${file:=$page} ]] || { echo "$page: $target" && return 1; }
            [[ $target == *#* && $file == *.md ]] || continue
            heading=$(grep -E '^#+ ' "$file" | sed -E 's/^#+ //; s/[^[:alnum:] _-]//g; s/ /-/g' | tr '[:upper:]' '[:lower:]')
            grep -Fqx "${target#*#}" <<<"$heading" || { echo "$page: $target" && return 1; }
        done < <(grep -oE '\]\([^)]+\)' "$page" | sed 's/^](//; s/)$//' | grep -v '^https\?:')
    done
}

@test "the manual and docs/engines.md have the same lines for containerd" {
    command -v mandoc >/dev/null || skip 'not installed: mandoc'
    local line manual
    local -i seen=0
    manual=$(mandoc -T ascii "$OCI_OAUTH_PREFIX/share/man/man8/oci-oauth-runtime.8" | col -bx | sed 's/^ *//')
    while read -r line; do
        grep -Fqx -- "$line" <<<"$manual" || { echo "$line" && return 1; }
        seen+=1
    done < <(sed -n '/^{{ template "base" . }}$/,/^```/p' "$root/docs/engines.md" | sed '1d;$d; s/^ *//')
    ((seen >= 4))
    [[ $manual == *'{{ template "base" . }}'* ]]
}
