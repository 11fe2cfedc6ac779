# SPDX-License-Identifier: Apache-2.0
# The warnings every target of ours is compiled with; errors in the presets.
add_library(warnings INTERFACE)
target_compile_options(warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
  -Wno-restrict  # GCC 12 warns of std::string's own code (GCC bug 105329)
  -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-align -Wformat=2 -Wundef
  $<$<BOOL:${OCI_OAUTH_WERROR}>:-Werror>)
