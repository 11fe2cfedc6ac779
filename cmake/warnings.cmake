# SPDX-License-Identifier: Apache-2.0
# The warnings that every target is compiled with; they are errors only in the presets for our own checks.
add_library(warnings INTERFACE)
target_compile_options(warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
  -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-align -Wformat=2 -Wundef
  $<$<BOOL:${OCI_OAUTH_WERROR}>:-Werror>)
# These depend on GCC's version and level of inlining, and are wrong about the standard library's own code (GCC bugs
# 105329, 105651, 107138). The sanitizers detect the same problems.
target_compile_options(warnings INTERFACE $<$<CXX_COMPILER_ID:GNU>:
  -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread -Wno-maybe-uninitialized>)
# RapidJSON 1.1's iterators are compared with each other as C++17 did it.
target_compile_options(warnings INTERFACE $<$<CXX_COMPILER_ID:Clang>:-Wno-ambiguous-reversed-operator>)
# Catch2's macros count with __COUNTER__, which everyone has and C2y names.
target_compile_options(warnings INTERFACE
  $<$<AND:$<CXX_COMPILER_ID:Clang>,$<VERSION_GREATER_EQUAL:$<CXX_COMPILER_VERSION>,22>>:-Wno-c2y-extensions>)
# Unlike GCC, clang takes a name of another source in the same unity build for shadowed; tests/suite/apart builds without.
if(CMAKE_UNITY_BUILD)
  target_compile_options(warnings INTERFACE $<$<CXX_COMPILER_ID:Clang>:-Wno-shadow>)
endif()
