# Debian packages, by `cpack` in the folder of a build: the program, the plug-in with SimGrid (a machine of a cluster
# needs only the program), the library, and what is built with the library.
#
#     cmake --preset release && cmake --build --preset release && (cd build/release && cpack)
set(library_package libtortoise${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME tortoise)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "parameter server for research on stale learning")
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_VENDOR "The tortoise authors")
set(TORTOISE_MAINTAINER "The tortoise authors <tortoise@localhost.localdomain>" CACHE STRING
  "Who answers for the packages: name <address>")
set(CPACK_PACKAGE_CONTACT "${TORTOISE_MAINTAINER}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL program library development)
if(TORTOISE_WITH_SIM)
  list(APPEND CPACK_COMPONENTS_ALL sim)
endif()
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(deb_version ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})

set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME tortoise)
set(CPACK_DEBIAN_PROGRAM_DESCRIPTION "The same algorithm and consistency code trains a model in real processes, over
TCP, and on a cluster that SimGrid simulates. This package has the program for
real runs, its reports, benchmarks and manual.")
set(CPACK_DEBIAN_PROGRAM_PACKAGE_RECOMMENDS "gnuplot-nox")
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SUGGESTS "tortoise-sim")

set(CPACK_DEBIAN_SIM_PACKAGE_NAME tortoise-sim)
set(CPACK_DEBIAN_SIM_DESCRIPTION "The plug-in with which tortoise, and programs that use its library, simulate a
cluster with stragglers and slow networks. It needs SimGrid; a machine that
only takes part in real runs does without.")
set(CPACK_DEBIAN_SIM_PACKAGE_DEPENDS "tortoise (= ${deb_version}) | ${library_package} (= ${deb_version})")

set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME ${library_package})
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBRARY_DESCRIPTION "What a program needs that brings an algorithm of its own to tortoise.")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SUGGESTS "tortoise-sim")
file(CONFIGURE OUTPUT debian/triggers CONTENT "activate-noawait ldconfig\n")
file(CONFIGURE OUTPUT debian/shlibs @ONLY
  CONTENT "libtortoise @PROJECT_VERSION_MAJOR@.@PROJECT_VERSION_MINOR@ @library_package@ (= @deb_version@)\n")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA
  ${PROJECT_BINARY_DIR}/debian/triggers ${PROJECT_BINARY_DIR}/debian/shlibs)

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libtortoise-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_DEVELOPMENT_DESCRIPTION "Headers, pkg-config file, CMake package and an example, for writing programs
that bring an algorithm of their own to tortoise.")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "${library_package} (= ${deb_version}), libgsl-dev")

# What Debian asks of each package: who may copy it, and what changed. Not for a plain `cmake --install`.
find_program(GZIP_PROGRAM gzip)
if(GZIP_PROGRAM)
  string(TIMESTAMP deb_date "%a, %d %b %Y %H:%M:%S +0000" UTC)
  file(CONFIGURE OUTPUT debian/changelog.Debian @ONLY CONTENT
"tortoise (@deb_version@) unstable; urgency=medium

  * Made by CPack. changelog.gz says what changed.

 -- @CPACK_PACKAGE_CONTACT@  @deb_date@
")
  configure_file(CHANGELOG.md debian/changelog COPYONLY)
  foreach(name IN ITEMS changelog changelog.Debian)
    execute_process(COMMAND ${GZIP_PROGRAM} -9nkf ${PROJECT_BINARY_DIR}/debian/${name})
  endforeach()
  foreach(part IN LISTS CPACK_COMPONENTS_ALL)
    string(TOUPPER ${part} upper)
    set(doc_dir ${CMAKE_INSTALL_DATADIR}/doc/${CPACK_DEBIAN_${upper}_PACKAGE_NAME})
    install(FILES cmake/copyright ${PROJECT_BINARY_DIR}/debian/changelog.gz
      ${PROJECT_BINARY_DIR}/debian/changelog.Debian.gz DESTINATION ${doc_dir} COMPONENT ${part} EXCLUDE_FROM_ALL)
  endforeach()
endif()
include(CPack)
