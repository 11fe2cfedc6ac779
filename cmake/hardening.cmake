# SPDX-License-Identifier: Apache-2.0
# The options that every program is compiled and linked with, so that a bug ends a program and does not let anybody in
# (docs/security.md).
include(CheckCXXSourceCompiles)

add_compile_definitions(_GLIBCXX_ASSERTIONS)
add_compile_options(-fPIE -fstack-protector-strong)
add_link_options(LINKER:-z,relro,-z,now,-z,noexecstack)

# What a program does not use is not in it.
add_compile_options(-ffunction-sections)
add_link_options(LINKER:--gc-sections)

# The highest level that the C library supports; it warns without optimisation. Overrides a distribution's own level.
set(CMAKE_REQUIRED_FLAGS "-O2 -Werror -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3")
check_cxx_source_compiles("#include <cstring>\nint main() {}" HAS_FORTIFY_SOURCE_3)
unset(CMAKE_REQUIRED_FLAGS)
add_library(fortified INTERFACE)
target_compile_options(fortified INTERFACE
  $<$<CONFIG:Release,RelWithDebInfo,MinSizeRel>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=$<IF:$<BOOL:${HAS_FORTIFY_SOURCE_3}>,3,2>>)

# A static program at random addresses, with compact relocations if the linker supports them.
set(CMAKE_REQUIRED_FLAGS -fPIE)
set(CMAKE_REQUIRED_LINK_OPTIONS -static-pie)
check_cxx_source_compiles("#include <string>\nint main(int argc, char** argv) { return std::string(argv[0]).size() > 99 + argc; }"
  HAS_STATIC_PIE)
set(CMAKE_REQUIRED_LINK_OPTIONS -static-pie LINKER:-z,pack-relative-relocs,--fatal-warnings)
check_cxx_source_compiles("int main() {}" HAS_PACKED_RELOCATIONS)
unset(CMAKE_REQUIRED_FLAGS)
unset(CMAKE_REQUIRED_LINK_OPTIONS)

function(link_statically target)
  if(HAS_STATIC_PIE)
    target_link_options(${target} PRIVATE -static-pie $<$<BOOL:${HAS_PACKED_RELOCATIONS}>:LINKER:-z,pack-relative-relocs>)
  else()
    message(WARNING "no static-pie here: ${target} is linked at a fixed address")
    target_link_options(${target} PRIVATE -static -no-pie)
  endif()
endfunction()

# The hook's code in the order of cmake/hook-order.ld, if the linker takes one.
set(hook_order ${CMAKE_CURRENT_LIST_DIR}/hook-order.ld)
set(CMAKE_REQUIRED_LINK_OPTIONS LINKER:-T,${hook_order})
check_cxx_source_compiles("int main() {}" HAS_ORDER_OF_CODE)
unset(CMAKE_REQUIRED_LINK_OPTIONS)
function(order_code target)
  if(HAS_ORDER_OF_CODE)
    target_link_options(${target} PRIVATE LINKER:-T,${hook_order})
    set_target_properties(${target} PROPERTIES LINK_DEPENDS ${hook_order})
  endif()
endfunction()
