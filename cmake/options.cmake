# Language, warnings and switches that every target shares.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_BUILD_RPATH ${PROJECT_BINARY_DIR}/src/sim) # where programs of the build find the plug-in
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

option(TORTOISE_WITH_SIM "Build the simulator plug-in (needs SimGrid)" ON)
option(TORTOISE_WERROR "Warnings are errors" OFF)
set(TORTOISE_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize=: address,undefined or thread")
option(TORTOISE_FUZZ "Build the fuzz targets (clang's libFuzzer)" OFF)
option(TORTOISE_LTO "Optimise across files when linking" OFF)
include(CTest)
if(TORTOISE_LTO)
  include(CheckIPOSupported)
  check_ipo_supported(LANGUAGES C)
  set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
endif()

# gcc's full -Wshadow also refuses a variable that is named after its type, as in `shard *shard`, which is no
# mistake here; clang's does not, so clang looks for shadowed globals.
add_library(tortoise_options INTERFACE)
target_compile_options(tortoise_options INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wstrict-prototypes -Wmissing-prototypes
  -Wold-style-definition -Wcast-qual -Wformat=2 -Wundef -Wvla -Wpointer-arith -Wwrite-strings
  -Wimplicit-fallthrough -ffp-contract=off -fno-math-errno -fno-strict-aliasing
  -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=
  $<$<C_COMPILER_ID:GNU>:-Wshadow=local -Wduplicated-cond>
  $<$<C_COMPILER_ID:Clang>:-Wshadow -Wunreachable-code>)
if(TORTOISE_WERROR)
  target_compile_options(tortoise_options INTERFACE -Werror)
endif()
if(TORTOISE_SANITIZE)
  target_compile_options(tortoise_options INTERFACE -fsanitize=${TORTOISE_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  target_link_options(tortoise_options INTERFACE -fsanitize=${TORTOISE_SANITIZE})
endif()
if(TORTOISE_FUZZ)
  target_compile_options(tortoise_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
set(CMAKE_C_FLAGS_RELEASE "-O3 -g1")
set(CMAKE_C_FLAGS_SANITIZE "-O1 -g")
