# SPDX-License-Identifier: Apache-2.0
# What nearly every source includes is parsed once for the layers and programs, and once for the tests; a third of the
# build's time. -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON builds without, as the preset "release" does: a source that
# includes too little is found there.
set(precompiled_headers <algorithm> <array> <cerrno> <charconv> <chrono> <cstdint> <cstdlib> <functional> <map> <memory>
  <optional> <span> <string> <string_view> <utility> <variant> <vector>)
