# libmdp_room(<name> [OUTPUT_NAME <file>] [ROOMS <rooms it may include>] [PRIVATE <libraries>]
#             [HEADER_ONLY <header-only libraries>])
# A room is a folder of the root: its .cpp files make one static library, its headers lie beside
# them, and both are included from the root: #include "solvers/policy_iteration.hpp".
function(libmdp_room name)
  cmake_parse_arguments(room "" "OUTPUT_NAME" "ROOMS;PRIVATE;PUBLIC;HEADER_ONLY" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}
    ${CMAKE_CURRENT_SOURCE_DIR}/*.hpp)
  if(name STREQUAL mdp_cli)
    list(REMOVE_ITEM sources ${CMAKE_CURRENT_SOURCE_DIR}/main.cpp)
  endif()
  if(NOT sources)  # an empty room is legal: a library needs one source
    set(sources ${CMAKE_CURRENT_BINARY_DIR}/empty.cpp)
    file(CONFIGURE OUTPUT ${sources} CONTENT "// no sources in this room yet\n")
  endif()
  add_library(${name} STATIC ${sources})
  add_library(libmdp::${name} ALIAS ${name})
  if(room_OUTPUT_NAME)
    set_target_properties(${name} PROPERTIES OUTPUT_NAME ${room_OUTPUT_NAME})
  endif()
  target_compile_features(${name} PUBLIC cxx_std_20)
  # The same bits with every instruction set: no fused multiply-add unless the code says std::fma.
  target_compile_options(${name} PUBLIC -ffp-contract=off)
  target_compile_definitions(${name} PRIVATE MDP_VERSION="${PROJECT_VERSION}")
  target_include_directories(${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/libmdp>)
  target_link_libraries(${name}
    PUBLIC ${room_ROOMS} ${room_PUBLIC}
    PRIVATE ${room_PRIVATE} $<BUILD_INTERFACE:libmdp_flags>)
  foreach(library IN LISTS room_HEADER_ONLY)  # consumers of the installed package do not need these
    target_link_libraries(${name} PRIVATE $<BUILD_INTERFACE:${library}>)
  endforeach()
  set_property(TARGET ${name} PROPERTY LIBMDP_HEADERS "${headers}")
  set_property(GLOBAL APPEND PROPERTY LIBMDP_ROOMS ${name})

  # Headers compile alone, with nothing but what the room promises to its users; internal ones with its libraries.
  if(LIBMDP_BUILD_TESTS AND headers)
    file(STRINGS ${PROJECT_SOURCE_DIR}/cmake/internal_headers.txt internal)
    foreach(header IN LISTS headers)
      string(REPLACE "/" "__" stem ${header})
      set(file ${CMAKE_CURRENT_BINARY_DIR}/alone/${stem}.cpp)
      # Twice: the include guard works too.
      file(CONFIGURE OUTPUT ${file}
        CONTENT "#include \"${header}\"\n#include \"${header}\"  // NOLINT\n" @ONLY)
      if(header IN_LIST internal)
        list(APPEND alone_internal ${file})
      else()
        list(APPEND alone ${file})
      endif()
    endforeach()
    if(NOT TARGET headers_alone)
      add_custom_target(headers_alone)
    endif()
    foreach(kind IN ITEMS alone alone_internal)
      if(NOT ${kind})
        continue()
      endif()
      add_library(headers_${kind}_${name} OBJECT EXCLUDE_FROM_ALL ${${kind}})
      target_link_libraries(headers_${kind}_${name} PRIVATE ${name} $<BUILD_INTERFACE:libmdp_flags>)
      target_compile_options(headers_${kind}_${name} PRIVATE -O0 -g0)
      add_dependencies(headers_alone headers_${kind}_${name})
    endforeach()
    if(alone_internal AND room_HEADER_ONLY)
      target_link_libraries(headers_alone_internal_${name} PRIVATE ${room_HEADER_ONLY})
    endif()
  endif()
endfunction()
