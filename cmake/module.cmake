# tortoise_module(NAME [MAY_INCLUDE other...] [LINKS library...])
#
# Makes the static library tortoise_NAME of src/NAME/**.c. Sources say #include "folder/header.h", and a folder is
# on the include path only if it is named in MAY_INCLUDE: an arrow that the design forbids does not compile.
set(TORTOISE_INCLUDE_ROOT ${PROJECT_BINARY_DIR}/include-roots)

function(tortoise_include_root folder)
  if(NOT EXISTS ${TORTOISE_INCLUDE_ROOT}/${folder}/${folder})
    file(MAKE_DIRECTORY ${TORTOISE_INCLUDE_ROOT}/${folder})
    file(CREATE_LINK ${PROJECT_SOURCE_DIR}/src/${folder} ${TORTOISE_INCLUDE_ROOT}/${folder}/${folder} SYMBOLIC)
  endif()
endfunction()

# Lets `target` include headers of the folders that follow, and the public ones.
function(tortoise_may_include target)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/include)
  foreach(folder IN LISTS ARGN)
    tortoise_include_root(${folder})
    target_include_directories(${target} PRIVATE ${TORTOISE_INCLUDE_ROOT}/${folder})
  endforeach()
endfunction()

function(tortoise_module name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "MAY_INCLUDE;LINKS")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.c)
  if(NOT sources)
    return()
  endif()
  add_library(tortoise_${name} STATIC ${sources})
  tortoise_may_include(tortoise_${name} ${name} ${arg_MAY_INCLUDE})
  foreach(other IN LISTS arg_MAY_INCLUDE)
    target_link_libraries(tortoise_${name} PUBLIC tortoise_${other})
  endforeach()
  target_link_libraries(tortoise_${name} PRIVATE tortoise_options PUBLIC ${arg_LINKS})
endfunction()
