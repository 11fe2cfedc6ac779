# SPDX-License-Identifier: Apache-2.0
# The warnings every target of ours is compiled with; errors in the presets of our own checks alone.
add_library(warnings INTERFACE)
target_compile_options(warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
  -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-align -Wformat=2 -Wundef
  $<$<BOOL:${OCI_OAUTH_WERROR}>:-Werror>)
# What GCC infers after inlining differs with its version and level, and is wrong about the standard library's own code
# (GCC bugs 105329, 105651, 107138). The sanitizers look for the same.
target_compile_options(warnings INTERFACE $<$<CXX_COMPILER_ID:GNU>:
  -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread -Wno-maybe-uninitialized>)
