# Install and export: find_package(libmdp) gives libmdp::libmdp, libmdp::solvers, ...
# Headers go to ${includedir}/libmdp/<room>/..., and the targets carry that prefix, so that
# #include "solvers/policy_iteration.hpp" reads the same inside and outside the tree.
include(CMakePackageConfigHelpers)
set(libmdp_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/libmdp)

install(TARGETS libmdp solvers equivalence estimators EXPORT libmdp_targets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
file(STRINGS cmake/internal_headers.txt internal_headers REGEX "\\.hpp$")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS cmake/internal_headers.txt)
foreach(room libmdp solvers equivalence estimators)
  get_target_property(headers ${room} LIBMDP_HEADERS)
  list(REMOVE_ITEM headers ${internal_headers})
  foreach(header IN LISTS headers)
    cmake_path(GET header PARENT_PATH folder)
    install(FILES ${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/libmdp/${folder})
  endforeach()
endforeach()
if(TARGET mdp)
  install(TARGETS mdp RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

install(EXPORT libmdp_targets NAMESPACE libmdp:: DESTINATION ${libmdp_package_dir})
configure_package_config_file(cmake/libmdpConfig.cmake.in
  ${PROJECT_BINARY_DIR}/libmdpConfig.cmake INSTALL_DESTINATION ${libmdp_package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/libmdpConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/libmdpConfig.cmake
  ${PROJECT_BINARY_DIR}/libmdpConfigVersion.cmake
  cmake/FindGMP.cmake cmake/FindKLU.cmake cmake/FindFLINT.cmake cmake/FindCLP.cmake
  DESTINATION ${libmdp_package_dir})
