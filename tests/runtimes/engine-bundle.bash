# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The words of lab.bash for crun and runc, which take a bundle: the hook stands in its config.json.

readonly bundle_runtime=${bundle_runtime:-$ENGINE}

start() {
    local name=$1
    shift
    bundle "$name" "$@"
    detached "$(bundle_of "$name")/output" as_operator "$bundle_runtime" run --detach --bundle "$(bundle_of "$name")" "$name"
}

once() {
    bundle once "$@"
    as_operator "$bundle_runtime" run --bundle "$(bundle_of once)" once </dev/null 3>&-
}

# crun would run it as root.
inside() {
    local user
    user=$(jq -r '.process.user | "\(.uid):\(.gid)"' "$(bundle_of "$1")/config.json")
    as_operator "$bundle_runtime" exec --user "$user" "$@" </dev/null 3>&-
}

stop() { as_operator "$bundle_runtime" delete --force "$1"; }
id_of() { echo "$1"; }
pid_of() { as_operator "$bundle_runtime" state "$1" | jq .pid; }
output_of() { cat "$(bundle_of "$1")/output"; }

delete_containers() {
    local name
    for name in $(as_operator "$bundle_runtime" list --quiet); do
        stop "$name"
    done
}

bundle_of() { echo "$BATS_TEST_TMPDIR/$1"; }

# bundle NAME [OPTION]... [-- COMMAND...]: writes NAME's config.json.
bundle() {
    local name=$1 rootfs
    shift
    parse_container "$@"
    rootfs=$(rootfs_of "$name")
    EDITS=.
    VALUES=()
    edit '.root = {path: $value}' "$rootfs"
    edit '.linux.cgroupsPath = $value' "/$LAB_CGROUP/$name"
    [[ -z $HOOK ]] || edit '.hooks = ($value | fromjson | map_values([.]))' "$(hook_entries)"
    edit_options "${OPTIONS[@]}"
    write_config "$(bundle_of "$name")"
}

# edit FILTER [VALUE]: adds a jq filter, in which $value is VALUE. All are applied together: jq takes long to start.
edit() {
    EDITS+=" | (\$ARGS.positional[${#VALUES[@]}] as \$value | $1)"
    VALUES+=("${2-}")
}

edit_options() {
    while (($#)); do
        case $1 in
            --read-only) edit '.root.readonly = true' && shift && continue ;;
            --user) edit '.process.user = ($value | split(":") | map(tonumber) | {uid: .[0], gid: .[1]})' "$2" ;;
            --tmpfs) edit '.mounts += [{type: "tmpfs", source: "tmpfs", destination: $value}]' "$2" ;;
            --volume)
                edit '.mounts += [$value | split(":")
                    | {type: "bind", source: .[0], destination: .[1], options: ["rbind", .[2] // "rw"]}]' "$2"
                ;;
            --annotation)
                edit '.annotations += ($value | capture("^(?<key>[^=]*)=(?<value>.*)") | {(.key): .value})' "$2"
                ;;
            --env) edit '.process.env += [$value]' "$2" ;;
            *) echo "$ENGINE: no such option in these tests: '$1'" >&2 && return 1 ;;
        esac
        shift 2
    done
}

write_config() {
    SPEC_COMMAND=(as_operator "$bundle_runtime")
    write_spec "$1" "$EDITS | .process.args = \$ARGS.positional[${#VALUES[@]}:]" --args -- "${VALUES[@]}" "${ARGV[@]}"
}
