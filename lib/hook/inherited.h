// SPDX-License-Identifier: Apache-2.0
// What a process inherits from its caller and must not depend on: descriptors, environment, limits, signals,
// umask, directory. Reset when it is needed: a container that nobody chose is only read about.
#pragma once

namespace oci_oauth {

// Before the first byte is read: no descriptor but stdio, no environment, memory as far as the hard limit
// where it is needed.
void reset_for_reading();

// Before any file is written or anything is waited for: stdio is open, files have the modes that they are
// given and grow as far as the hard limit, and no signal that a file or an earlier alarm(2) causes ends the
// process.
void reset_for_writing();

// Before stdout or stderr is written to: both are open, and a reader that is gone does not end the process.
void reset_for_output();

// In a child that is to be another program: the signals are not blocked or ignored, and no directory is in
// use.
void reset_for_program();

}  // namespace oci_oauth
