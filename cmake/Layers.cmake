# The layering of design (docs/architecture) is checked by every build whose includes changed.
if(Python3_FOUND)
  file(GLOB_RECURSE layered CONFIGURE_DEPENDS
    libmdp/*.[ch]pp solvers/*.[ch]pp equivalence/*.[ch]pp estimators/*.[ch]pp
    cli/*.[ch]pp bench/*.[ch]pp tests/*.[ch]pp)
  add_custom_command(OUTPUT ${PROJECT_BINARY_DIR}/layers.stamp
    COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/cmake/check_layers.py
      ${PROJECT_SOURCE_DIR}
    COMMAND ${CMAKE_COMMAND} -E touch ${PROJECT_BINARY_DIR}/layers.stamp
    DEPENDS ${layered} ${PROJECT_SOURCE_DIR}/cmake/check_layers.py
    COMMENT "Checking who includes whom"
    VERBATIM)
  add_custom_target(layers ALL DEPENDS ${PROJECT_BINARY_DIR}/layers.stamp)
elseif(PROJECT_IS_TOP_LEVEL)
  message(STATUS "python3 not found: layering is not checked")
endif()
