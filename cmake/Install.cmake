# What `cmake --install` puts where, and the Debian package made from the same list.
set(NAKODO_SYSTEMD_DIR "${CMAKE_INSTALL_PREFIX}/lib/systemd/system" CACHE PATH
  "Where the systemd units go")
set(NAKODO_SYSCONF_DIR "/etc/nakodo" CACHE PATH "Where the daemon's configuration file is")

configure_file(packaging/nakodo.service.in packaging/nakodo.service @ONLY)
configure_file(packaging/nakodo.socket packaging/nakodo.socket COPYONLY)

# The man page is made from the option table, so it cannot fall behind.
add_custom_command(
  OUTPUT ${PROJECT_BINARY_DIR}/nakodo.8
  COMMAND nakodo --man > ${PROJECT_BINARY_DIR}/nakodo.8
  DEPENDS nakodo
  VERBATIM)
add_custom_target(man ALL DEPENDS ${PROJECT_BINARY_DIR}/nakodo.8)

install(TARGETS nakodo RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY ${NAKODO_PAGES}/ DESTINATION ${CMAKE_INSTALL_DATADIR}/nakodo/web)
install(FILES ${PROJECT_BINARY_DIR}/nakodo.8 DESTINATION ${CMAKE_INSTALL_MANDIR}/man8)
install(FILES ${PROJECT_BINARY_DIR}/packaging/nakodo.service
  ${PROJECT_BINARY_DIR}/packaging/nakodo.socket DESTINATION ${NAKODO_SYSTEMD_DIR})
install(FILES packaging/nakodo.sysusers RENAME nakodo.conf
  DESTINATION ${CMAKE_INSTALL_PREFIX}/lib/sysusers.d)
install(FILES packaging/nakodo.conf DESTINATION ${NAKODO_SYSCONF_DIR})
install(FILES packaging/alerts.yml packaging/grafana.json
  DESTINATION ${CMAKE_INSTALL_DATADIR}/nakodo)
install(FILES README.md README.ja.md CHANGELOG.md LICENSE SECURITY.md
  DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/protocols DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_CONTACT "The nakodo developers")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
# The library's package does not bring its event loop plugin along.
set(CPACK_DEBIAN_PACKAGE_DEPENDS libwebsockets-evlib-uv)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${PROJECT_SOURCE_DIR}/packaging/postinst ${PROJECT_SOURCE_DIR}/packaging/conffiles)
include(CPack)
