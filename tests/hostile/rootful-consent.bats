# SPDX-License-Identifier: Apache-2.0
# Who chooses a container: a person, with real images whose authors would like to.
load world
load consent

@test "a step of an image build chooses nothing" {
    configure '.profiles.other = (.profiles.claude | .provider = "claude" | .target = "/run/secrets/tmpfs")'
    local output
    output=$(build "$image-step" Step)
    configure 'del(.profiles.other)'
    echo "$output"
    [[ $output != *"$(current_token)"* ]]
    ! grep -qx 'has its volume' <<<"$output" || says "profile 'claude', container buildah-"
    says "profile 'other', container buildah-"
    says 'belongs to an image build, whose Dockerfile may come from anybody'
}
