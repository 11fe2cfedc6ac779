# SPDX-License-Identifier: Apache-2.0
# What an image can have in the place of each component of the target.
load world
load paths

# -v /dev:/dev, and a link of the image's that leads there.
@test "the host's /dev is bound" {
    plant to-dev "$(a_rootfs)/run/secrets"
    start "$BOX" --volume /dev:/dev
    refused
    says 'is in /dev'
}

@test "the volume around the target is shared" {
    local directory
    directory=$(a_directory shared)
    mkdir -p "$directory/claude"
    mount --bind "$directory" "$directory"
    mount --make-shared "$directory"
    bundle "$BOX" --volume "$directory:/run/secrets"
    edit_file "$(bundle_of "$BOX")/config.json" \
        '.linux.rootfsPropagation = "shared" | .mounts[-1].options = ["rbind", "rshared"]'
    local status=0
    as_operator "$bundle_runtime" run --detach --bundle "$(bundle_of "$BOX")" "$BOX" </dev/null 3>&- || status=$?
    findmnt --noheadings --list --output TARGET | grep -c "$directory" | grep -qx 1 || status=1
    umount "$directory"
    ((status == 0))
    says 'the target is on a shared mount'
}
