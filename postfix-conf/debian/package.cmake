# SPDX-License-Identifier: GPL-3.0-or-later
# Debian packages: `cpack -G DEB` in the build directory makes gatepost_*.deb and gatepost-doc_*.deb there.
# What only packages hold is EXCLUDE_FROM_ALL, so that `cmake --install` leaves it out; what only that installs is "plain".
set(DEBIAN ${CMAKE_CURRENT_LIST_DIR})
set(DEBIAN_BUILD ${PROJECT_BINARY_DIR}/debian)
set(DEBIAN_RELEASE 1)
file(MAKE_DIRECTORY ${DEBIAN_BUILD})

# Changelogs as Debian wants them: compressed, and the same octets each time.
find_program(GZIP gzip REQUIRED)
string(TIMESTAMP now "%a, %d %b %Y %H:%M:%S +0000" UTC)
configure_file(${DEBIAN}/changelog.in ${DEBIAN_BUILD}/changelog.Debian @ONLY)
function(gp_compress source target)
  execute_process(COMMAND ${GZIP} -9nc ${source} OUTPUT_FILE ${DEBIAN_BUILD}/${target} COMMAND_ERROR_IS_FATAL ANY)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
endfunction()
gp_compress(${PROJECT_SOURCE_DIR}/CHANGELOG.md changelog.gz)
gp_compress(${DEBIAN_BUILD}/changelog.Debian changelog.Debian.gz)

# both: what Debian wants to know of a package
foreach(package gatepost gatepost-doc)
  install(FILES ${DEBIAN}/copyright ${DEBIAN_BUILD}/changelog.gz ${DEBIAN_BUILD}/changelog.Debian.gz
    DESTINATION share/doc/${package} COMPONENT ${package} EXCLUDE_FROM_ALL)
  install(FILES ${DEBIAN}/${package}.lintian-overrides DESTINATION share/lintian/overrides RENAME ${package}
    COMPONENT ${package} EXCLUDE_FROM_ALL)
endforeach()
# gatepost: beside the programs the configuration to edit, manuals compressed
install(FILES ${PROJECT_SOURCE_DIR}/postfix-conf/gatepost.conf.sample DESTINATION /etc/gatepost RENAME gatepost.conf
  COMPONENT gatepost EXCLUDE_FROM_ALL)
install(DIRECTORY DESTINATION /etc/gatepost/agencies.d COMPONENT gatepost EXCLUDE_FROM_ALL)
install(DIRECTORY DESTINATION /etc/gatepost/dictionary.d COMPONENT gatepost EXCLUDE_FROM_ALL)
foreach(manual ${MANUALS})
  get_filename_component(name ${manual} NAME)
  string(REGEX REPLACE ".*\\." "" section ${name})
  gp_compress(${manual} ${name}.gz)
  install(FILES ${DEBIAN_BUILD}/${name}.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section}
    COMPONENT gatepost EXCLUDE_FROM_ALL)
endforeach()

# gatepost-doc: what is to be read, and the manuals for a browser
install(FILES ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/doc/security.md
  DESTINATION share/doc/gatepost-doc COMPONENT gatepost-doc EXCLUDE_FROM_ALL)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/postfix-conf/relay ${PROJECT_SOURCE_DIR}/postfix-conf/forwarder
  DESTINATION share/doc/gatepost-doc/examples COMPONENT gatepost-doc EXCLUDE_FROM_ALL)
install(FILES ${PROJECT_SOURCE_DIR}/postfix-conf/gatepost.conf.sample
  ${PROJECT_SOURCE_DIR}/postfix-conf/agencies.d/example.conf.sample
  DESTINATION share/doc/gatepost-doc/examples COMPONENT gatepost-doc EXCLUDE_FROM_ALL)
find_program(MANDOC mandoc)
if(MANDOC)
  foreach(manual ${MANUALS})
    get_filename_component(name ${manual} NAME)
    execute_process(COMMAND ${MANDOC} -T html -O man=%N.%S.html,toc ${manual}
      OUTPUT_FILE ${DEBIAN_BUILD}/${name}.html COMMAND_ERROR_IS_FATAL ANY)
    install(FILES ${DEBIAN_BUILD}/${name}.html DESTINATION share/doc/gatepost-doc/html
      COMPONENT gatepost-doc EXCLUDE_FROM_ALL)
  endforeach()
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME gatepost)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "Gatepost <team@gatepost.example>")
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_SET_DESTDIR ON) # for /etc
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
  WORLD_READ WORLD_EXECUTE)
set(CPACK_COMPONENTS_ALL gatepost gatepost-doc)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE ${DEBIAN_RELEASE})
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)

set(CPACK_DEBIAN_GATEPOST_PACKAGE_NAME gatepost)
set(CPACK_DEBIAN_GATEPOST_PACKAGE_SECTION mail)
set(CPACK_DEBIAN_GATEPOST_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_GATEPOST_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_GATEPOST_PACKAGE_DEPENDS "postfix (>= 3.7), python3:any, systemd")
set(CPACK_DEBIAN_GATEPOST_PACKAGE_RECOMMENDS "memcached, publicsuffix, ca-certificates")
set(CPACK_DEBIAN_GATEPOST_PACKAGE_SUGGESTS "gatepost-doc, dovecot-core")
set(CPACK_DEBIAN_GATEPOST_PACKAGE_CONTROL_EXTRA "${DEBIAN}/conffiles;${DEBIAN}/postinst;${DEBIAN}/prerm;${DEBIAN}/postrm")
set(CPACK_COMPONENT_GATEPOST_DESCRIPTION "managed outbound mail relay on top of Postfix
Gatepost turns a Postfix into a relay through which agencies submit mail and\nnobody can harm its reputation: a policy service admits single addresses and\ncounts sessions, rates and packages; a milter checks, re-envelopes and signs\n(DKIM); a third daemon understands what comes back - bounces, complaints,\nunsubscribes - and suppresses addresses. gatepostctl is the operator's command\nline, gatepost-postfix puts all of it into an existing Postfix.")

set(CPACK_DEBIAN_GATEPOST-DOC_PACKAGE_NAME gatepost-doc)
set(CPACK_DEBIAN_GATEPOST-DOC_PACKAGE_SECTION doc)
set(CPACK_DEBIAN_GATEPOST-DOC_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_GATEPOST-DOC_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_GATEPOST-DOC_PACKAGE_SUGGESTS gatepost)
set(CPACK_COMPONENT_GATEPOST-DOC_DESCRIPTION "managed outbound mail relay on top of Postfix (documentation)
README, threat model, configuration samples and the manuals as HTML of\nGatepost, which turns a Postfix into a managed outbound relay.")
include(CPack)
