# Warnings are properties of our targets only; each has found a real mistake in programs of this kind.
function(envtool_warnings target)
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wpedantic
    -Wshadow                 # a name that hides another is read as the other
    -Wconversion             # sizes and ids narrow silently
    -Wnon-virtual-dtor       # interfaces are deleted through their base
    -Woverloaded-virtual     # an override with the wrong signature is never called
    -Wno-missing-field-initializers)  # designated initialisers leave defaults out on purpose
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC 12 reports uninitialised and overrun memory inside its own headers when it inlines.
    target_compile_options(${target} PRIVATE -Wno-maybe-uninitialized -Wno-restrict)
    if(CMAKE_BUILD_TYPE STREQUAL "Release" OR ENVTOOL_SANITIZE STREQUAL "thread")
      target_compile_options(${target} PRIVATE -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread)
    endif()
  endif()
  if(ENVTOOL_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
endfunction()

# What nearly every source includes. Sources still include all that they use: the option is off by default.
set(envtool_common_headers <fmt/format.h> <algorithm> <chrono> <filesystem> <functional> <map> <memory> <mutex>
                           <optional> <string> <string_view> <vector>)

function(envtool_precompile target)
  if(NOT ENVTOOL_PCH)
    return()
  endif()
  if(target STREQUAL envtool_base)
    target_precompile_headers(${target} PRIVATE ${envtool_common_headers})
  else()
    target_precompile_headers(${target} REUSE_FROM envtool_base)
  endif()
endfunction()

function(envtool_settings target)
  envtool_warnings(${target})
  envtool_precompile(${target})
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR})
  if(ENVTOOL_FUZZ)
    target_compile_options(${target} PUBLIC -fsanitize=fuzzer-no-link)
  endif()
  if(ENVTOOL_SANITIZE)
    target_compile_options(${target} PUBLIC -fsanitize=${ENVTOOL_SANITIZE} -fno-omit-frame-pointer
                                            -fno-sanitize-recover=all)
    target_link_options(${target} PUBLIC -fsanitize=${ENVTOOL_SANITIZE})
  endif()
endfunction()

# envtool_library(<name> [PUBLIC targets...] [PRIVATE targets...]): a static library of every source in this
# folder; PRIVATE names what only this folder may include.
function(envtool_library name)
  cmake_parse_arguments(arg "" "" "PUBLIC;PRIVATE;SOURCES" ${ARGN})
  if(NOT arg_SOURCES)
    file(GLOB arg_SOURCES CONFIGURE_DEPENDS *.cpp)
  endif()
  add_library(${name} STATIC ${arg_SOURCES})
  envtool_settings(${name})
  target_link_libraries(${name} PUBLIC ${arg_PUBLIC} PRIVATE ${arg_PRIVATE})
endfunction()
