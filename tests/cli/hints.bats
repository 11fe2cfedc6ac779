# SPDX-License-Identifier: Apache-2.0
# The commands in our texts can be typed: an oci-oauth in them has a verb, and options that this verb has. Each stands where
# as_typed() (lib/program/hint.h) finds it, to add sudo and the configuration.
load words

# The string literals of what people are told.
literals() {
    local root=$BATS_TEST_DIRNAME/../..
    grep --no-filename --only-matching --recursive --include='*.cc' --include='*.h' -E '"([^"\\]|\\.)*"' "$root/lib" "$root/hook" |
        grep -vE '^"(usage: |oci-oauth (login|access) v1")'
}
# What begins with oci-oauth, up to the next command.
commands() { literals | grep -oP '(^"|(&&|:|or|then) )(sudo )?\K(oci-oauth|\$0) .*' | sed -E 's/([;"]| && ).*//'; }

@test "an oci-oauth in a text has a verb, and options that this verb has" {
    local words word help
    local -i seen=0
    while read -ra words; do
        # What is filled in when it runs is of our own table of verbs.
        [[ ${words[1]} != *\{* ]] || continue
        # What was typed: of the verbs that say so with an option, setup has them all.
        if [[ ${words[0]} == '$0' ]]; then words=(oci-oauth setup "${words[@]:1}"); fi
        help=$(oci-oauth "${words[1]}" --help) || { echo "no such verb: ${words[*]}" && return 1; }
        for word in "${words[@]:2}"; do
            [[ $word != --* || $word == --help || $help == *"[$word"[" ]"]* ]] || { echo "no such option: ${words[*]}" && return 1; }
        done
        seen+=1
    done < <(commands)
    ((seen > 40))
}

@test "no command is in quotes or parentheses, where neither sudo nor the configuration is added" {
    run -1 grep -E "(['\`]|[^\$]\()(sudo )?(oci-oauth|systemctl|apt-get|chmod|chown|rm) [a-z-]" <(literals | grep -vE "Written by|which starts it|'oci-oauth install proxy'|# begin oci-oauth ")
}

@test "a path in a command is one word of it, whatever it contains" {
    local root=$BATS_TEST_DIRNAME/../..
    paths() { grep --recursive --include='*.cc' -E '"([^"]* )?(chmod|chown|rm|rmdir|mkdir -p|truncate -s|find /) [^"]*"' "$root/lib" "$root/hook" | grep -vE '"rm -r" :|from_errno'; }
    (($(paths | grep -c shell_word) > 10))
    # commands_to_own() has quoted it; a path below ~ is a provider's.
    run -1 grep -vE 'shell_word|, word[,)]|~\{\}' <(paths)
}
