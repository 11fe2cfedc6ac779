# SPDX-License-Identifier: Apache-2.0
# Run by CPack before it builds the package: Debian's policy wants compressed manual pages (section 12.1).
file(GLOB pages ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr/share/man/man*/*.[1-8])
if(pages)
  execute_process(COMMAND gzip -9n ${pages} COMMAND_ERROR_IS_FATAL ANY)
endif()
