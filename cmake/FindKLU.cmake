# SuiteSparse::KLU with the parts that it calls (BTF, AMD, COLAMD, suitesparseconfig): LGPL and BSD.
# UMFPACK, SPQR and CHOLMOD (GPL) are never looked for.
find_path(KLU_INCLUDE_DIR klu.h PATH_SUFFIXES suitesparse)
set(_klu_required KLU_INCLUDE_DIR)
set(_klu_libraries)
foreach(_part klu btf amd colamd suitesparseconfig)
  string(TOUPPER ${_part} _PART)
  find_library(KLU_${_PART}_LIBRARY ${_part})
  mark_as_advanced(KLU_${_PART}_LIBRARY)
  list(APPEND _klu_required KLU_${_PART}_LIBRARY)
  if(NOT _part STREQUAL klu)
    list(APPEND _klu_libraries "${KLU_${_PART}_LIBRARY}")
  endif()
endforeach()
mark_as_advanced(KLU_INCLUDE_DIR)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(KLU REQUIRED_VARS ${_klu_required})
if(KLU_FOUND AND NOT TARGET SuiteSparse::KLU)
  add_library(SuiteSparse::KLU UNKNOWN IMPORTED)
  set_target_properties(SuiteSparse::KLU PROPERTIES
    IMPORTED_LOCATION ${KLU_KLU_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${KLU_INCLUDE_DIR}
    INTERFACE_LINK_LIBRARIES "${_klu_libraries}")
endif()
unset(_klu_required)
unset(_klu_libraries)
