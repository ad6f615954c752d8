# What `cmake --install` puts where, in four parts that are also the Debian packages: the program, the plug-in for
# simulations, the library, and what programs that use the library are built with. Everything is found relative to
# something else, so an installed tree can be moved.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/tortoise)
set(pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(TARGETS tortoise RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
install(DIRECTORY plots experiments DESTINATION ${CMAKE_INSTALL_DATADIR}/tortoise COMPONENT program)
install(FILES README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program)
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program)

# The program itself writes its manual and the completion, of the tables that it reads the command line with.
set(manual_dir ${PROJECT_BINARY_DIR}/manual)
add_custom_command(OUTPUT ${manual_dir}/tortoise.bash DEPENDS tortoise VERBATIM
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${manual_dir}
  COMMAND ${CMAKE_COMMAND} -E make_directory ${manual_dir}
  COMMAND tortoise help --out ${manual_dir}
  COMMAND sh -c "gzip -9n ${manual_dir}/*.1"
  COMMENT "Writing the manual")
add_custom_target(tortoise_manual ALL DEPENDS ${manual_dir}/tortoise.bash)
install(FILES ${manual_dir}/tortoise.bash RENAME tortoise
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT program)
install(DIRECTORY ${manual_dir}/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT program FILES_MATCHING PATTERN *.1.gz)

install(TARGETS tortoise_library EXPORT tortoise-targets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library NAMELINK_COMPONENT development
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY include/tortoise DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)
install(DIRECTORY examples DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT development)
install(EXPORT tortoise-targets NAMESPACE tortoise:: DESTINATION ${package_dir} COMPONENT development)

configure_package_config_file(cmake/tortoise-config.cmake.in tortoise-config.cmake
  INSTALL_DESTINATION ${package_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(tortoise-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/tortoise-config.cmake ${PROJECT_BINARY_DIR}/tortoise-config-version.cmake
  DESTINATION ${package_dir} COMPONENT development)

file(RELATIVE_PATH TORTOISE_PREFIX_FROM_PC /${pkgconfig_dir} /)
configure_file(cmake/tortoise.pc.in tortoise.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/tortoise.pc DESTINATION ${pkgconfig_dir} COMPONENT development)
