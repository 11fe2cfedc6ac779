# SPDX-License-Identifier: Apache-2.0
# A runtime that stays until the container has ended, as a person calls it: it waits for hooks and children alike.
load oauth

# A signal that comes while one of its kind is pending is lost. The runtime begins to wait for its hook (rt_sigtimedwait)
# only when everything that the hook has to do with had the time to end.
slowly() {
    strace --output=/dev/null --trace=rt_sigtimedwait --inject=rt_sigtimedwait:delay_enter=1500000 "$@"
}

@test "a foreground container starts on an expired token, however the hook and its refresher end" {
    [[ $(command -v strace) ]] || skip 'strace is not installed'
    a_login
    login_ends_in -60
    a_profile
    bundle once --tmpfs "$target" -- cat "$target/token"
    run slowly "$ENGINE" run --bundle "$(bundle_of once)" once </dev/null 3>&-
    ((status == 0))
    [[ $output == "$(current_token)" ]]
    [[ $(counted posts) == 1 ]]
}

@test "a foreground container starts while a due token is refreshed in the background" {
    a_login
    login_ends_in 1800
    a_profile
    oci_oauth refresh --offline
    bundle once --tmpfs "$target" -- true
    run "$ENGINE" run --bundle "$(bundle_of once)" once </dev/null 3>&-
    ((status == 0))
    renewed() { [[ $(counted posts) == 1 && $(cat "$SHARE/token") == "$(current_token)" ]]; }
    eventually --at "$SHARE" renewed
    is_gone() { ! pgrep --full "refresh --lock-fd|createRuntime" >/dev/null; }
    eventually is_gone
}
