# SPDX-License-Identifier: Apache-2.0
# oci-oauth setup: one command from a login to a token in a container, and a sentence and a way on where that cannot be.
load words

# A user's login, which sudo's caller would have.
setup() {
    oauth_setup
    plain_podman "$BATS_TEST_TMPDIR"
    OPERATOR_ID=$somebody OPERATOR_HOME=$BATS_TEST_TMPDIR/home
    CREDENTIALS=$OPERATOR_HOME/.claude/.credentials.json
    cp -a /usr/share/containers "$BATS_TEST_TMPDIR/containers"
    mount --bind "$BATS_TEST_TMPDIR/containers" /usr/share/containers
    mount -t tmpfs tmpfs /var/lib
    sed "s,^\(oci-oauth-lab:.*\):[^:]*:\([^:]*\)\$,\1:$OPERATOR_HOME:\2," /etc/passwd >"$BATS_TEST_TMPDIR/passwd.new"
    mount --bind "$BATS_TEST_TMPDIR/passwd.new" /etc/passwd
    install -d -o "$somebody" -g "$somebody" "$OPERATOR_HOME"
    a_login
    lead_to_endpoint
}

teardown() {
    OPERATOR_ID=0
    umount /etc/passwd /usr/share/containers /var/lib
    rm -rf /etc/containers/containers.conf.d/lab.conf /etc/docker
    oauth_teardown
}

# The provider's file of this host leads to the test's endpoint.
lead_to_endpoint() {
    cat "$ENDPOINT/ca.pem" >>/etc/ssl/certs/ca-certificates.crt
    install -D -m 644 /dev/stdin /etc/oci-oauth/providers.d/claude.json < <(
        sed "s,\"token_url\": \"[^\"]*,\"token_url\": \"$(<"$ENDPOINT/url")," "$OCI_OAUTH_PREFIX/share/oci-oauth/providers/claude.json")
}

sudo() { env HOME=/root SUDO_UID="$somebody" SUDO_USER=oci-oauth-lab "$@" </dev/null 3>&-; }
# On a terminal; its input is what a person types.
setup_on_terminal() { HOME=/root SUDO_UID=$somebody SUDO_USER=oci-oauth-lab on_terminal oci-oauth setup; }
says() { complains oci-oauth "$1" "$2" "$3" "${@:4}"; }
files_of_setup() { find /etc/oci-oauth /usr/share/containers/oci /var/lib /etc/docker -type f 2>/dev/null | sort; }

@test "one command shows the plan, installs, refreshes, and shows the token in a container" {
    local letters
    run -0 sudo oci-oauth setup --yes
    [[ $output == 'The plan, for the whole machine:'*"login   claude, $CREDENTIALS"*'engine  podman'*'file    /etc/oci-oauth/config.json'* ]]
    [[ $output == *'units   none, because systemd is not running'*'undo    sudo oci-oauth uninstall --all'* ]]
    [[ $output == *'wrote /etc/oci-oauth/config.json'*"ok       container 'claude' "*"a Podman container reads the current token at $target"* ]]
    letters=$(current_token)
    [[ $output == *"token of 'claude': ${letters:0:20}..."* && $output != *"$letters"* ]]
    [[ $output == *"next: sudo podman run --rm --tmpfs $target IMAGE COMMAND"*'next: sudo oci-oauth status'* ]]
    # What it says is next works, with an image.
    rootfs "$BATS_TEST_TMPDIR/image"
    [[ $(podman run --rm --tmpfs "$target" --rootfs "$BATS_TEST_TMPDIR/image" cat "$target/token") == "$(current_token)" ]]
    oci-oauth status | grep -qE '^claude +fresh'

    # A second run asks nothing and changes nothing.
    local before
    before=$(files_of_setup)
    run -0 sudo oci-oauth setup
    [[ $output == *'engine  podman, is already registered'*'podman: is already registered'*'reads the current token'* ]]
    diff <(echo "$before") <(files_of_setup)

    # And what it says undoes it does.
    run -0 sudo oci-oauth uninstall --all
    [[ $(find /usr/share/containers/oci -name 'oci-oauth*') == '' ]]
}

@test "progress goes to stderr, a line for each step, and --quiet shows none" {
    run -0 --separate-stderr sudo oci-oauth setup --yes
    # shellcheck disable=SC2154
    [[ $stderr == *"oci-oauth: setup: starting a Podman container for 'claude' ..."* && $output != *...*container*...* ]]
    run -0 --separate-stderr sudo oci-oauth setup --yes --quiet
    [[ $stderr != *starting* ]]
    run -0 --separate-stderr sudo oci-oauth doctor --try
    [[ $stderr == 'oci-oauth: doctor: checking the configuration ...'*'oci-oauth: doctor: starting a Podman container'* && $output != *checking* ]]
    run -0 --separate-stderr sudo oci-oauth doctor --try --quiet
    [[ ! $stderr ]]
}

@test "on a terminal it asks once; whoever says no changes nothing" {
    local before
    before=$(files_of_setup)
    run -1 setup_on_terminal <<<n
    [[ $output == *'Go on? [y/N]'*'oci-oauth: error: setup: nothing was changed'*'hint: sudo oci-oauth setup --dry-run'* ]]
    diff <(echo "$before") <(files_of_setup)
    run -0 setup_on_terminal <<<y
    [[ $output == *'Go on? [y/N]'*"a Podman container reads the current token"*"next: sudo podman run"* ]]
    # The line that moves is cleared at the end.
    [[ $output == *"starting a Podman container for 'claude' ..."$'\r\e[K'* ]]
}

@test "Ctrl-C at the question is a no" {
    local asking keys before status=0 said=$BATS_TEST_TMPDIR/said
    before=$(files_of_setup)
    mkfifo "$BATS_TEST_TMPDIR/keys"
    setup_on_terminal <"$BATS_TEST_TMPDIR/keys" >"$said" 2>&1 3>&- &
    asking=$!
    exec {keys}>"$BATS_TEST_TMPDIR/keys"
    eventually --at "$said" grep -q 'Go on' "$said"
    printf '\x03' >&"$keys"
    wait "$asking" || status=$?
    ((status == 1))
    exec {keys}>&-
    [[ $(tr -d '\r' <"$said") == *'Go on? [y/N] ^C'$'\n''oci-oauth: error: setup: nothing was changed'$'\n''hint: sudo oci-oauth setup --dry-run'* ]]
    diff <(echo "$before") <(files_of_setup)
}

@test "--dry-run shows the plan alone" {
    local before
    before=$(files_of_setup)
    run -0 sudo oci-oauth setup --dry-run
    [[ $output == 'The plan, for the whole machine:'*'engine  podman'* && $output != *wrote* ]]
    diff <(echo "$before") <(files_of_setup)
}

@test "without a terminal it says how to go on without a question" {
    # shellcheck disable=SC2034
    run -2 --separate-stderr sudo oci-oauth setup
    [[ $stderr == *'oci-oauth: error: setup: there is no terminal to ask on'$'\n''hint: sudo oci-oauth setup --yes' ]]
    run -2 --separate-stderr sudo oci-oauth setup --provider claude --credentials "$CREDENTIALS"
    [[ $stderr == *"hint: sudo oci-oauth setup --provider claude --credentials $CREDENTIALS --yes" ]]
}

@test "without a login it names the place, and how to log in" {
    rm "$CREDENTIALS"
    run -3 --separate-stderr sudo oci-oauth setup --yes
    [[ $stderr == *'setup: podman: no login'*'hint: '*'--credentials FILE'* ]]
    [[ ! -e /etc/oci-oauth/config.json ]]
}

@test "a login that cannot be refreshed leaves the engines registered, and says how to go on" {
    login_ends_in -60
    script '{"status": 503, "body": "{}"}'
    run -4 --separate-stderr sudo oci-oauth setup --yes
    [[ $stderr == *'oci-oauth: setup: the engines are registered, but no container was tried'$'\n''hint: sudo oci-oauth setup --yes' ]]
    run -0 sudo oci-oauth uninstall --all
}

@test "without an engine it says what to install, and in a container that its host is the place" {
    # In another root, in which no file says that this is a container, and without the directories of programs.
    # shellcheck disable=SC2016
    without_engines() {
        sudo unshare --mount bash -c 'mkdir -p "$0" && cd "$0"
            for entry in /*; do
                if [[ -L $entry ]]; then cp -P "$entry" .; elif [[ -d $entry ]]; then mkdir -p ".$entry" && mount --rbind "$entry" ".$entry"; fi
            done
            for place in usr/local/bin usr/local/sbin; do mount -t tmpfs tmpfs "$place"; done
            [[ ! ${1:-} ]] || touch "$1"
            exec chroot . sh -c "mount -t tmpfs tmpfs /usr/sbin; mount -t tmpfs tmpfs /usr/bin; exec $OCI_OAUTH_PREFIX/bin/oci-oauth setup --yes"' \
            "$BATS_TEST_TMPDIR/root" "$@"
    }
    says 1 'setup: no container engine is installed' 'sudo apt-get install podman' without_engines
    says 1 'setup: this is a container, and no container engine is installed in it' 'on its host: sudo oci-oauth setup --yes' \
        without_engines .dockerenv
}

@test "a user is set up alone, and told how the whole machine is" {
    run -0 as_operator oci-oauth setup --dry-run
    [[ $output == 'The plan, for this user alone (for the whole machine: sudo '*'/bin/oci-oauth setup --dry-run):'*"file    $OPERATOR_HOME/.config/oci-oauth/config.json"* ]]
    run -0 as_operator oci-oauth setup --dry-run --credentials "$CREDENTIALS"
    [[ $output == *"(for the whole machine: sudo "*"/bin/oci-oauth setup --dry-run --credentials $CREDENTIALS):"* ]]
}

@test "a wrong word is refused" {
    says 2 "setup: unknown argument 'podman'" 'oci-oauth setup --help' oci-oauth setup podman
    says 2 'setup: --config is not supported: engines use the default configuration' 'oci-oauth setup --help' oci-oauth setup --config x
}
