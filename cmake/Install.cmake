# What `cmake --install` puts where; debian/rules makes the package by it.
set(NAKODO_SYSTEMD_DIR "${CMAKE_INSTALL_PREFIX}/lib/systemd/system" CACHE PATH
  "Where the systemd units go")
set(NAKODO_SYSCONF_DIR "/etc/nakodo" CACHE PATH "Where the daemon's configuration file is")

configure_file(packaging/nakodo.service.in packaging/nakodo.service @ONLY)
configure_file(packaging/nakodo.socket packaging/nakodo.socket COPYONLY)

# Made from the option table, so they cannot fall behind.
set(NAKODO_CONF_HEAD ${PROJECT_SOURCE_DIR}/packaging/nakodo.conf.head)
add_custom_command(
  OUTPUT nakodo.8 nakodo.conf.5 nakodo.conf
  COMMAND nakodo --man > nakodo.8
  COMMAND nakodo --man-config > nakodo.conf.5
  COMMAND ${CMAKE_COMMAND} -E cat ${NAKODO_CONF_HEAD} > nakodo.conf
  COMMAND nakodo --example-config >> nakodo.conf
  DEPENDS nakodo ${NAKODO_CONF_HEAD}
  WORKING_DIRECTORY ${PROJECT_BINARY_DIR}
  VERBATIM)
add_custom_target(man ALL DEPENDS ${PROJECT_BINARY_DIR}/nakodo.8)

install(TARGETS nakodo RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY ${NAKODO_PAGES}/ DESTINATION ${CMAKE_INSTALL_DATADIR}/nakodo/web)
install(FILES ${PROJECT_BINARY_DIR}/nakodo.8 DESTINATION ${CMAKE_INSTALL_MANDIR}/man8)
install(FILES ${PROJECT_BINARY_DIR}/nakodo.conf.5 DESTINATION ${CMAKE_INSTALL_MANDIR}/man5)
install(FILES ${PROJECT_BINARY_DIR}/packaging/nakodo.service
  ${PROJECT_BINARY_DIR}/packaging/nakodo.socket DESTINATION ${NAKODO_SYSTEMD_DIR})
install(FILES packaging/nakodo.sysusers RENAME nakodo.conf
  DESTINATION ${CMAKE_INSTALL_PREFIX}/lib/sysusers.d)
install(FILES ${PROJECT_BINARY_DIR}/nakodo.conf DESTINATION ${NAKODO_SYSCONF_DIR})
install(FILES packaging/completion.bash RENAME nakodo
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES packaging/alerts.yml packaging/grafana.json packaging/kubernetes.yaml
  DESTINATION ${CMAKE_INSTALL_DATADIR}/nakodo)
install(PROGRAMS packaging/certbot-deploy DESTINATION ${CMAKE_INSTALL_DATADIR}/nakodo)
# As they lie in the tree, so that their links lead somewhere.
install(FILES README.md README.ja.md ARCHITECTURE.md CHANGELOG.md CONTRIBUTING.md LICENSE
  SECURITY.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs examples DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES web/client.d.ts DESTINATION ${CMAKE_INSTALL_DOCDIR}/web)
