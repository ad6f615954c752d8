# Writes version.h of version.h.in at build time, so that the commit is the one that was built. Run as a script with
# SOURCE, BINARY and TT_VERSION; a file that would not change is left alone.
execute_process(
  COMMAND git -C ${SOURCE} describe --always --dirty --tags
  OUTPUT_VARIABLE TT_GIT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
if(failed)
  set(TT_GIT "unknown")
endif()
configure_file(${SOURCE}/src/cli/version.h.in ${BINARY}/version.h @ONLY)
