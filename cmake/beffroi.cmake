# SPDX-License-Identifier: GPL-3.0-or-later
# How every folder of Beffroi becomes a library, a program or a test: one set of flags for all, and
# an include path that reaches only what the folder names.

find_package(PkgConfig REQUIRED)
foreach(lib IN ITEMS libuv libfyaml libzmq libprotobuf-c libsodium netsnmp libpcap libcurl gnutls librrd
                     sqlite3 libmicrohttpd jansson libical libcap-ng libseccomp libcares)
  pkg_check_modules(${lib} REQUIRED IMPORTED_TARGET GLOBAL ${lib})
endforeach()
if(BEFFROI_TESTS)
  pkg_check_modules(cmocka REQUIRED IMPORTED_TARGET GLOBAL cmocka)
endif()

add_library(beffroi_flags INTERFACE)
target_compile_definitions(beffroi_flags INTERFACE _POSIX_C_SOURCE=200809L
                                                   BEFFROI_VERSION="${PROJECT_VERSION}")
target_compile_options(beffroi_flags INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2
  -fstack-protector-strong -fno-omit-frame-pointer)
if(BEFFROI_WERROR)
  target_compile_options(beffroi_flags INTERFACE -Werror)
endif()
# As needed: a program loads only the libraries it calls, not all that its archives could call.
target_link_options(beffroi_flags INTERFACE -Wl,-z,relro,-z,now -Wl,--as-needed)
if(BEFFROI_SANITIZE)
  target_compile_options(beffroi_flags INTERFACE -fsanitize=${BEFFROI_SANITIZE}
                                                 -fno-sanitize-recover=all)
  target_link_options(beffroi_flags INTERFACE -fsanitize=${BEFFROI_SANITIZE})
else()
  target_compile_definitions(beffroi_flags INTERFACE $<$<CONFIG:Release,RelWithDebInfo>:_FORTIFY_SOURCE=2>)
endif()

# beffroi_library(NAME SOURCES a.c ... [USES lib ...] [PRIVATE_USES lib ...] [GNU])
# Public headers stand in include/NAME/ and are included as "NAME/x.h"; a header beside its .c is
# the folder's own. USES are seen by whoever includes a public header, PRIVATE_USES only here.
# GNU allows GNU and Linux extensions (common/ and the adapters of system interfaces).
function(beffroi_library name)
  cmake_parse_arguments(ARG "GNU" "" "SOURCES;USES;PRIVATE_USES" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR}/include
                                     PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(${name} PUBLIC ${ARG_USES} PRIVATE beffroi_flags ${ARG_PRIVATE_USES})
  if(ARG_GNU)
    target_compile_definitions(${name} PRIVATE _GNU_SOURCE)
  endif()
endfunction()

# beffroi_program(NAME SOURCES a.c ... USES lib ...)
function(beffroi_program name)
  cmake_parse_arguments(ARG "GNU" "" "SOURCES;USES" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE beffroi_flags ${ARG_USES})
  if(ARG_GNU)
    target_compile_definitions(${name} PRIVATE _GNU_SOURCE)
  endif()
endfunction()

# beffroi_test(NAME SOURCES a.c ... USES lib ...): a cmocka program that ctest runs.
function(beffroi_test name)
  cmake_parse_arguments(ARG "GNU" "" "SOURCES;USES;PRIVATE_DIRS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${ARG_PRIVATE_DIRS})
  target_compile_definitions(${name} PRIVATE TEST_DATA_DIR="${CMAKE_CURRENT_SOURCE_DIR}/data"
                                             TEST_SOURCE_ROOT="${PROJECT_SOURCE_DIR}")
  if(ARG_GNU)
    target_compile_definitions(${name} PRIVATE _GNU_SOURCE)
  endif()
  target_link_libraries(${name} PRIVATE beffroi_flags ${ARG_USES} PkgConfig::cmocka)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT 60 LABELS unit)
  if(BEFFROI_SANITIZE STREQUAL "thread")
    set_tests_properties(${name} PROPERTIES TIMEOUT 300
      ENVIRONMENT "TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/tsan.supp")
  endif()
endfunction()

# beffroi_fuzz(NAME SOURCES a.c ... USES lib ...): a libFuzzer target with -DBEFFROI_FUZZ=ON, and in
# every build a plain replay of its corpus (tests/fuzz/corpus/NAME) that ctest runs.
function(beffroi_fuzz name)
  cmake_parse_arguments(ARG "GNU" "" "SOURCES;USES;PRIVATE_DIRS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${ARG_PRIVATE_DIRS})
  if(ARG_GNU)
    target_compile_definitions(${name} PRIVATE _GNU_SOURCE)
  endif()
  target_link_libraries(${name} PRIVATE beffroi_flags ${ARG_USES})
  if(BEFFROI_FUZZ)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  else()
    target_sources(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/fuzz/replay.c)
    add_test(NAME ${name} COMMAND ${name} ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
    set_tests_properties(${name} PROPERTIES TIMEOUT 60 LABELS fuzz)
  endif()
endfunction()
