# SPDX-License-Identifier: Apache-2.0
# Headers that nearly every source includes are parsed once for the layers and programs, and once for the tests, which
# saves a third of the build's time. -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON builds without them, as the preset "release"
# does, which detects missing includes.
set(precompiled_headers <algorithm> <array> <cerrno> <charconv> <chrono> <cstdint> <cstdlib> <functional> <map> <memory>
  <optional> <span> <string> <string_view> <utility> <variant> <vector>)

# reuse_precompiled_headers(TARGET OTHER): CMake 4 warns where they are reused but disabled.
function(reuse_precompiled_headers target other)
  if(NOT CMAKE_DISABLE_PRECOMPILE_HEADERS)
    target_precompile_headers(${target} REUSE_FROM ${other})
  endif()
endfunction()
