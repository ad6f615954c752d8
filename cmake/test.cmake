# tortoise_test(NAME [file.c...] [MAY_INCLUDE folder...] [LINKS library...] [LABELS label...] [ARGS arg...])
#
# Builds the CUnit program test_NAME of NAME.c in the current folder and the files that are named, and adds it as
# the ctest NAME. It may include headers of the folders in MAY_INCLUDE, is linked with those of them that are
# libraries, and with LINKS. The label of its folder is added by itself; label `fast` is for tests of seconds:
# `ctest -L fast` takes less than a minute in all. Label `worlds` comes by itself, too, for tests that use the program or
# the simulator: all others are the same with and without SimGrid. The target `LABEL-tests` is what the tests of a
# label need.
#
# A test runs in the root of the repository, so that it finds real data as ../shared/data, and ends with 77 when
# what it needs is not there. Files it writes belong under $TORTOISE_SCRATCH, a folder of its own.
function(tortoise_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "MAY_INCLUDE;LINKS;LABELS;ARGS")
  set(sources ${arg_UNPARSED_ARGUMENTS})
  if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${name}.c)
    list(PREPEND sources ${name}.c)
    list(REMOVE_DUPLICATES sources)
  endif()
  add_executable(test_${name} ${sources})
  target_include_directories(test_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  tortoise_may_include(test_${name} ${arg_MAY_INCLUDE})
  target_link_libraries(test_${name} PRIVATE tortoise_options ${arg_LINKS})
  foreach(folder IN LISTS arg_MAY_INCLUDE ITEMS base)
    if(TARGET tortoise_${folder})
      get_target_property(type tortoise_${folder} TYPE)
      if(type STREQUAL "STATIC_LIBRARY" OR type STREQUAL "INTERFACE_LIBRARY")
        target_link_libraries(test_${name} PRIVATE tortoise_${folder})
      endif()
    endif()
  endforeach()
  target_link_libraries(test_${name} PRIVATE PkgConfig::CUNIT m)
  add_test(NAME ${name} COMMAND test_${name} ${arg_ARGS} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  if(sim IN_LIST arg_MAY_INCLUDE)
    list(APPEND arg_LABELS worlds)
  endif()
  tortoise_test_properties(${name} "${arg_LABELS}" "${arg_TIMEOUT}")
  tortoise_needed_by_tests(test_${name} ${arg_LABELS})
endfunction()

# tortoise_script_test(NAME script [ARGS arg...] [LABELS label...] [TIMEOUT seconds])
#
# Adds the ctest NAME that runs a bash script of the current folder. $TORTOISE is the program.
function(tortoise_script_test name script)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "TIMEOUT" "LABELS;ARGS")
  add_test(NAME ${name} COMMAND bash ${CMAKE_CURRENT_SOURCE_DIR}/${script} ${arg_ARGS}
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  list(APPEND arg_LABELS worlds)
  tortoise_test_properties(${name} "${arg_LABELS}" "${arg_TIMEOUT}")
  tortoise_needed_by_tests(programs ${arg_LABELS})
endfunction()

# Makes `target` a part of the target LABEL-tests, for the label of the folder and those that follow.
function(tortoise_needed_by_tests target)
  get_filename_component(folder ${CMAKE_CURRENT_SOURCE_DIR} NAME)
  foreach(label IN LISTS ARGN ITEMS ${folder})
    if(NOT TARGET ${label}-tests)
      add_custom_target(${label}-tests)
    endif()
    add_dependencies(${label}-tests ${target})
  endforeach()
endfunction()

# What every test has, whatever it is made of.
function(tortoise_test_properties name labels timeout)
  if(NOT timeout)
    set(timeout 300)
  endif()
  get_filename_component(folder ${CMAKE_CURRENT_SOURCE_DIR} NAME)
  set(scratch ${PROJECT_BINARY_DIR}/scratch/${name})
  file(MAKE_DIRECTORY ${scratch})
  set(environment TORTOISE_SCRATCH=${scratch} TORTOISE_SOURCE=${PROJECT_SOURCE_DIR}
    TORTOISE_BUILD=${PROJECT_BINARY_DIR} TORTOISE_SANITIZE=${TORTOISE_SANITIZE})
  list(APPEND environment TORTOISE_PLOTS=${PROJECT_SOURCE_DIR}/plots)
  if(TARGET tortoise)
    list(APPEND environment TORTOISE=$<TARGET_FILE:tortoise>)
  endif()
  if(TORTOISE_SANITIZE MATCHES address)
    list(APPEND environment
      ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1
      LSAN_OPTIONS=print_suppressions=0:suppressions=${PROJECT_SOURCE_DIR}/cmake/leaks.txt
      UBSAN_OPTIONS=print_stacktrace=1)
    # The sanitizer calls dlopen() for the program, so that the program's RUNPATH is not looked at.
    if(TARGET tortoise_sim)
      list(APPEND environment TORTOISE_SIM_PLUGIN=$<TARGET_FILE:tortoise_sim>)
    endif()
  elseif(TORTOISE_SANITIZE MATCHES thread)
    list(APPEND environment TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1)
  endif()
  set_tests_properties(${name} PROPERTIES
    LABELS "${folder};${labels}" TIMEOUT ${timeout} SKIP_RETURN_CODE 77 ENVIRONMENT "${environment}")
endfunction()
